s=0; for ((i=1;i<=2000;i++)); do ((s+=i)); done; echo $s; i=0; while [ $i -lt 500 ]; do i=$((i+1)); done; echo $i
