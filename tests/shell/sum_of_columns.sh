printf '1 2\n3 4\n' | while read a b; do echo $((a+b)); done; printf '1\n2\n' | paste -sd+ | bc
