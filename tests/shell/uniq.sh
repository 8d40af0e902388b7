sort words.txt | uniq -c | sort -rn | head -2; sort words.txt | uniq -d; sort words.txt | uniq -u | head -2; printf 'A\na\nb\n' | uniq -i
