# needs: jq
jq -r .name data.json; jq '.items | length' data.json; jq -c '.items[] | select(.price > 1)' data.json; jq -r '.items[].name' data.json; jq '[.items[].price] | add' data.json; echo '[3,1,2]' | jq -c sort; jq -nc '{a: 1, b: [1,2]}'; echo '"x"' | jq -r .; jq -e .missing data.json; echo $?
