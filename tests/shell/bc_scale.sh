echo '3.5*2' | bc; printf '1.5\n2.5\n' | paste -sd+ | bc
