import unicodedata
text = "Ångström ﬁ 日本"
print(unicodedata.normalize("NFKD", text).encode("ascii", "ignore"), len(text), text[::-1], text.lower())
print([unicodedata.name(c) for c in "é日"], "日本".encode("utf-16-le").hex(), "\N{SNOWMAN}")
