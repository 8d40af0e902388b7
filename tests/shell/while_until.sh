i=0; while [ $i -lt 3 ]; do echo w$i; i=$((i+1)); done; until [ $i -le 0 ]; do i=$((i-1)); [ $i = 1 ] && continue; echo u$i; done; while true; do break; done; echo done
