{ echo a; echo b; } | wc -l; { false; } || echo no
