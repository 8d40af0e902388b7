printf 'One two\nthree  four\nfive \n\nsix\tseven\n  eight\nnine\n' > a
printf 'one two\nthree four\nfive\nsix seven\n eight\n\n\nnine\nten\n' > b
for option in -i -b -w -B -Z -E -iw -ibB -iwB; do echo "$option"; diff $option a b; done
diff -iwB -u a b | tail -n +3
printf 'a' > c; printf 'a\n' > d; diff -b c d; echo $?; diff -i c d; echo $?
printf 'a\r\nb\n' > e; printf 'a\nb\n' > f; diff -b e f; echo $?; diff -q e f
