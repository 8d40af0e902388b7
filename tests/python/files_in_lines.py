total = 0
with open("words.txt", encoding="utf-8") as file:
    for number, line in enumerate(file, start=1):
        total += len(line.rstrip("\n"))
print(number, total)
with open("words.txt", "rb") as file:
    print(file.read(6), file.tell())
