diff words.txt nosuch; echo $?
diff nosuch1 nosuch2; echo $?
diff words.txt; echo $?
diff a b c; echo $?
diff --nosuch a b; echo $?
diff -U x words.txt data.csv; echo $?
printf 'a\0b' > a; printf 'a\0c' > b; diff a b; echo $?; diff -q a b; diff -a a b | tr '\0' 0; diff a a; echo $?
diff notes/a.md notes; echo $?
diff - notes < words.txt; echo $?
echo banana | diff - words.txt | head -n 2; diff words.txt - < words.txt; echo $?
if diff -q words.txt data.csv > /dev/null; then echo same; else echo different; fi
