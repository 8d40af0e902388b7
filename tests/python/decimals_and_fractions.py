from decimal import Decimal, ROUND_HALF_UP, getcontext
from fractions import Fraction
print(Decimal("0.1") + Decimal("0.2"), Decimal("2.675").quantize(Decimal("0.01"), ROUND_HALF_UP))
getcontext().prec = 30
print(Decimal(1) / Decimal(7), Fraction(1, 3) + Fraction(1, 6), Fraction("0.125"))
