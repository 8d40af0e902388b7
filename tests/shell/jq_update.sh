# needs: jq
jq -c '.items[0].price = 9 | .items[0]' data.json; jq -c 'del(.items) | .new = true' data.json; jq -nc '[range(5)] | map(. * 2) | {sum: add, max: max}'; jq '.items | length' < data.json > n.txt; cat n.txt; jq -r '.items | map(select(.name | test("^c")))[0].name' data.json; jq -nr '"a,b" | split(",")[1]'; jq -n --argjson x '{"y":2}' '$x.y'
