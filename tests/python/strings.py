name, price = "tea", 3.14159
print(f"{name:>8}|{name:^8}|{price:8.2f}|{price:e}|{1234567:,}|{0.25:.0%}|{255:#x}|{name!r}")
print("a-b_c".translate(str.maketrans("-_", "  ")).title(), "x".join("abc"), "abc".partition("b"))
print("éa".encode(), "ß".upper(), "ABC".casefold(), "%05d %s" % (42, "x"), "{0[k]} {1.real}".format({"k": 1}, 2))
