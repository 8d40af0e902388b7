# needs: jq
echo 'not json' | jq . 2>/dev/null; echo $?
