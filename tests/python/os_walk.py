import os
os.makedirs("tree/x/y")
for name in ["tree/1.txt", "tree/x/2.txt", "tree/x/y/3.txt"]:
    open(name, "w").close()
for folder, folders, files in os.walk("tree"):
    folders.sort()
    print(folder, folders, sorted(files))
print(sorted(os.listdir("tree")), os.path.getsize("words.txt"), os.path.isfile("tree"))
