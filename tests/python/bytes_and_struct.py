import struct
packed = struct.pack("<IhB3s", 1000, -2, 255, b"abc")
print(packed.hex(" "), struct.unpack("<IhB3s", packed), struct.calcsize("<IhB3s"))
data = bytearray(b"hello")
data[0:1] = b"J"
print(data, bytes(memoryview(data)[1:3]), int.from_bytes(b"\x01\x00", "little"), b"a,b".split(b","))
