a, b = {1, 2, 3}, {3, 4}
print(sorted(a | b), a & b, sorted(a ^ b), a - b, {1, 2} <= a, frozenset([1]) in {frozenset([1])})
d = {"x": 1}
d.setdefault("y", []).append(2)
d |= {"z": 3}
print(d, d.pop("x"), d.get("nope", "?"), list(d.items()), dict.fromkeys("ab", 0))
