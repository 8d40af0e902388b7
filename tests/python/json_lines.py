import json
rows = [{"id": n, "even": n % 2 == 0, "none": None} for n in range(4)]
text = "\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
print(text)
print([json.loads(line)["even"] for line in text.splitlines()])
