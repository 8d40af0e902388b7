mapfile -t lines < words.txt; echo ${#lines[@]} ${lines[0]} ${lines[-1]}; readarray -t two < <(printf 'x\ny\n'); echo ${two[1]}
