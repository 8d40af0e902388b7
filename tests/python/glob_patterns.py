import glob, fnmatch
print(sorted(glob.glob("notes/*.md")), sorted(glob.glob("**/*.json", recursive=True)))
print(fnmatch.filter(["a.py", "b.txt", "c.py"], "*.py"))
