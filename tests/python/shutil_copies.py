import os, shutil
shutil.copy("words.txt", "copy.txt")
shutil.copytree("notes", "notes2")
print(open("copy.txt").read() == open("words.txt").read(), sorted(os.listdir("notes2")))
shutil.rmtree("notes2")
print(os.path.exists("notes2"))
