n=0; try() { n=$((n+1)); [ $n -ge 3 ]; }; until try; do echo "try $n"; done; echo "ok after $n"
