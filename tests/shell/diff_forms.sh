seq 30 > a; sed -e 4d -e '9s/$/ changed/' -e '20a new' -e '21,22d' -e '28i before' a > b
diff a b
diff -u a b | tail -n +3
diff -U 1 a b | tail -n +3; diff -U0 a b | tail -n +3; diff --unified=9 a b | tail -n +3
diff -c a b | tail -n +3; diff -C1 a b | tail -n +3
diff a <(head -n 3 a); diff -u <(head -n 3 a) /dev/null | tail -n +3; diff -u /dev/null <(head -n 2 a) | tail -n +3
printf 'one\ntwo' > c; printf 'one\ntwo\n' > d; diff c d; diff -u d c | tail -n +3; diff -c c d | tail -n +3
printf 'int f(void)\n{\n  a\n  b\n  c\n  d\n}\n' > e; sed s/d/D/ e > f; diff -up e f | tail -n +3; diff -p e f | tail -n +3
diff -u --label old --label new c d
diff -q a b; diff --brief a a; echo $?; diff -s a a; diff a b > /dev/null; echo $?
diff -u -y a b; echo $?
