with open("log.txt", "w") as file:
    file.write("first\n")
with open("log.txt", "a") as file:
    print("second", file=file)
with open("log.txt", "r+") as file:
    print(file.readline().strip())
    file.seek(0)
    file.write("FIRST")
print(open("log.txt").read())
try:
    open("log.txt", "x")
except FileExistsError:
    print("it is there")
