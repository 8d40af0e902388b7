a, *rest, z = range(6)
print(a, rest, z, {k: v for k, v in zip("abc", [1, 2, 3]) if v > 1}, {x % 3 for x in range(10)})
matrix = [[1, 2], [3, 4], [5, 6]]
print(list(map(list, zip(*matrix))), [y for row in matrix for y in row if y % 2], [*rest, *"ab"], {**{"a": 1}, "b": 2})
