import hashlib, hmac, base64, zlib
print(hashlib.sha256(b"tea").hexdigest(), hashlib.md5(b"tea").hexdigest())
print(hmac.new(b"key", b"message", "sha1").hexdigest())
print(base64.b64encode(b"tea time").decode(), base64.urlsafe_b64decode("-_8="), zlib.crc32(b"tea"))
