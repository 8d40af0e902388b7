echo x > f1; rm f1; ls f1 2>/dev/null; echo $?; mkdir -p t/u; echo y > t/u/z; rm t 2>/dev/null; echo $?; rm -r t; ls; rm nope 2>/dev/null; echo $?; rm -f nope; echo $?
