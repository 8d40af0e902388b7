wc -l < words.txt; wc -w < notes/a.md; wc -c < data.csv; echo 'añb' | wc -m; cat words.txt | wc -l
