seq 3000 | awk '{ print $1 * 7919 % 613 }' > a
awk 'NR % 17 == 0 { next } NR % 23 == 0 { print "new " NR } { print } NR % 101 == 0 { print ""; print "}" }' a > b
diff a b | cksum
diff -u a b | tail -n +3 | cksum
diff a b | grep -c '^[<>]'
sort -n a > c; diff a c | cksum
seq 20000 > d; seq 20001 40000 > e; diff d e | wc -l
