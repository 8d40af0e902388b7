people = [("Ada", 36), ("Bob", 25), ("Cleo", 36), ("Dan", 25)]
print(sorted(people, key=lambda p: (-p[1], p[0])))
print(sorted(["b10", "a2", "B1"], key=str.lower), sorted({3: "c", 1: "a"}), min(people, key=lambda p: p[1]))
words = ["pear", "fig", "apple"]
words.sort(key=len, reverse=True)
print(words, list(reversed(words)))
