text = "word " * 200_000
with open("big.txt", "w") as file:
    file.write(text)
with open("big.txt") as file:
    words = file.read().split()
print(len(words), len(set(words)))
