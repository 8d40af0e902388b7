printf 'a\nb\nc\n' > x; printf 'a\nB\nc\nd\n' > y; diff x y; echo $?; diff -q x x; echo $?; diff -u x y | tail -n +3; cmp x y > /dev/null; echo $?; comm -12 <(sort x) <(sort y)
