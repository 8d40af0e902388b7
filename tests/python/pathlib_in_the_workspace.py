from pathlib import Path
out = Path("made") / "deep"
out.mkdir(parents=True, exist_ok=True)
(out / "a.txt").write_text("one\ntwo\n")
(out / "b.bin").write_bytes(bytes(range(5)))
print(sorted(str(p) for p in Path("made").rglob("*")))
print((out / "a.txt").read_text().split(), (out / "b.bin").stat().st_size, out.is_dir(), (out / "no").exists())
print((out / "a.txt").with_suffix(".md").name, Path("x/../y.tar.gz").suffixes)
