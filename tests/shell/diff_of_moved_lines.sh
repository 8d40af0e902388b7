diff words.txt <(sort words.txt)
seq 30 > a; { seq 11 20; seq 1 10; seq 21 30; } > b; diff a b
printf 'f() {\n  a\n}\n\ng() {\n  b\n}\n' > a; printf 'f() {\n  a\n}\n\nh() {\n  c\n}\n\ng() {\n  b\n}\n' > b; diff a b
printf '%s\n' a b c a b b a > a; printf '%s\n' c b a b a c > b; diff a b
for i in $(seq 40); do echo $((i % 7)); done > a; for i in $(seq 45); do echo $((i % 9)); done > b; diff a b
yes x | head -n 20 > a; { head -n 12 a; echo y; yes '' | head -n 9; } > b; diff -d a b; diff b a
