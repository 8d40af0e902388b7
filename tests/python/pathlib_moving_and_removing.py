from pathlib import Path
Path("a.txt").write_text("hello")
Path("a.txt").rename("b.txt")
print(Path("a.txt").exists(), Path("b.txt").read_text())
Path("b.txt").unlink()
try:
    Path("b.txt").read_text()
except FileNotFoundError as error:
    print(error.filename, error.strerror)
