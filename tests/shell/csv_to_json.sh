# needs: jq
tail -n +2 data.csv | jq -R -s -c 'split("\n") | map(select(length > 0) | split(",") | {name: .[0], age: (.[1] | tonumber)})'
