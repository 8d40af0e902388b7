cat words.txt | sort | uniq -c | sort -rn | head -3 | awk '{print $1, $2}'
