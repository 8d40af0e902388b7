echo 'obase=2; 10' | bc; echo 'ibase=16; FF' | bc
