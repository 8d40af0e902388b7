import csv, io
out = io.StringIO()
writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
writer.writerows([["a", "b"], [1, 'say "hi"'], ["x,y", "two\nlines"]])
print(out.getvalue())
print(list(csv.reader(io.StringIO(out.getvalue()))))
