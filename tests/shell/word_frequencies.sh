cat notes/*.md | tr -cs 'A-Za-z' '\n' | tr A-Z a-z | grep -v '^$' | sort | uniq -c | sort -k1,1nr -k2,2 | head -5 | awk '{print $2, $1}'
