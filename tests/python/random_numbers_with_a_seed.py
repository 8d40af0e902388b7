import random
r = random.Random(42)
print(r.randint(1, 100), [r.choice("abc") for _ in range(5)], round(r.random(), 6))
items = list(range(6))
r.shuffle(items)
print(items, r.sample(range(100), 3), round(r.gauss(0, 1), 4))
print(0 <= random.random() < 1)
