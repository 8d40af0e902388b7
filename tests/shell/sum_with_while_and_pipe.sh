cut -d, -f2 data.csv | tail -n +2 | { s=0; while read -r n; do s=$((s + n)); done; echo $s; }; seq 10 | xargs | tr ' ' + | bc; awk -F, 'NR>1{s+=$2}END{print s}' data.csv
