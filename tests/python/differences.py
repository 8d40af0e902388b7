import difflib
a, b = ["one\n", "two\n", "three\n"], ["one\n", "2\n", "three\n", "four\n"]
print("".join(difflib.unified_diff(a, b, "a", "b")))
print(difflib.get_close_matches("appel", ["ape", "apple", "peach"]), round(difflib.SequenceMatcher(None, "abcd", "bcde").ratio(), 2))
