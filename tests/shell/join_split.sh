printf '1 a\n2 b\n' > j1; printf '1 x\n2 y\n' > j2; join j1 j2; split -l 4 words.txt part_; ls part_*; wc -l < part_aa; csplit --version >/dev/null 2>&1; echo ok
