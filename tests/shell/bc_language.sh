bc <<'END'
define f(n) { if (n <= 1) return 1; return n * f(n - 1); }
f(20)
define g(x) {
  auto i, s
  for (i = 1; i <= x; i++) {
    s += i
  }
  return s
}
g(100)
define r(n) { if (n == 0) return 0; return 1 + r(n - 1); }
r(90)
i = 0
while (i < 3) { i; i = i + 1 }
if (3 > 2) print "yes\n" else print "no\n"
a[0] = 3; a[1] = 4; a[0] + a[1]
x = 5; x += 3; x++; ++x; x--; -x
5 > 3; 5 == 4; 1 && 0; 1 || 0; !0; last
"text
"
(y = 3)
# a remark
/* another */ 3
print "a", 1, "\n"
END
echo '1/0' | bc; echo $?
