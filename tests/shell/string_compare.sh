[[ abc < abd ]] && echo 1; [ "a" \< "b" ] && echo 2; [[ 10 -gt 9 ]] && echo 3; [[ 10 > 9 ]] || echo 4
