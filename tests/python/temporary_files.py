import os
with open("/tmp/scratch-of-a-test.txt", "w") as file:
    file.write("x" * 10)
print(os.path.getsize("/tmp/scratch-of-a-test.txt"))
os.remove("/tmp/scratch-of-a-test.txt")
print(os.path.exists("/tmp/scratch-of-a-test.txt"))
