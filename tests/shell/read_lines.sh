while IFS=, read -r name age city; do [ "$name" = name ] && continue; echo "$name is $age"; done < data.csv
