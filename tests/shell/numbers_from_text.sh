echo 'price: 12.50 and 7' | grep -oE '[0-9]+(\.[0-9]+)?'; echo 'v1.2.3' | sed 's/^v//' | { IFS=. read a b c; echo $a $b $c; }; printf '%s\n' 3 10 2 | sort -n | tail -1
