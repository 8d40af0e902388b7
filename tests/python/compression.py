import gzip, zlib, io
data = b"tea " * 1000
packed = zlib.compress(data, 9)
print(len(packed) < 100, zlib.decompress(packed) == data)
with gzip.open("x.gz", "wb") as file:
    file.write(data)
print(gzip.open("x.gz").read() == data)
