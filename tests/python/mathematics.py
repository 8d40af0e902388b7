import math, cmath
print(math.gcd(12, 18), math.lcm(4, 6), math.comb(5, 2), math.isqrt(50), math.prod([1, 2, 3]))
print(round(math.pi, 5), math.floor(-1.5), math.hypot(3, 4), math.isclose(0.1 + 0.2, 0.3), cmath.sqrt(-4))
