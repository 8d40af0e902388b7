touch -d '2024-05-01 10:20:30' a; echo b > 'b c'; touch -d '1999-12-31 23:59:59' 'b c'; mkdir d e; cp -p a d/x; cp -p 'b c' e/x
diff -u a 'b c'; diff -c a 'b c'; diff -r -u d e; diff -uN nosuch 'b c'
diff --text -rc d e | head -n 1
