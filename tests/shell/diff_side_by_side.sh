seq 12 > a; sed -e 3d -e '5s/$/ changed/' -e '8a new' a > b; printf 'a long line of words that does not fit into its half of the page, by far\n\ttab\n' >> b
diff -y a b; echo $?
diff -y -W 40 a b; diff -y --suppress-common-lines a b; diff --left-column --side-by-side -W 60 a b; diff -yt -W 50 a b
diff -y a a; echo $?; printf x > c; diff -y c <(echo x)
