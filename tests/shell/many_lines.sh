seq 1 20000 | awk '{s+=$1} END{print s}'; seq 1 5000 | grep -c 7; seq 1 3000 | sort -rn | head -1
