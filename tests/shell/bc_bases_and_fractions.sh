echo 'obase=16; 255; 4095; 0.5' | bc; echo 'obase=2; 10.5; -5' | bc; echo 'ibase=2; 1011; 0.1' | bc; echo 'obase=16; ibase=2; 11111111' | bc; echo 'obase=100; 12345' | bc
