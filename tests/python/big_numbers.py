print(2 ** 200, -7 // 2, -7 % 3, divmod(17, 5), round(2.5), round(3.5), 0.1 + 0.2)
print(int("ff", 16), bin(10), (255).to_bytes(2, "big"), float("inf") > 10 ** 300, 10 ** 20 // 3)
