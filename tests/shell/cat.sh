cat words.txt notes/a.md | head -4; cat -n data.csv | head -2; printf 'a\n\n\nb\n' | cat -s
