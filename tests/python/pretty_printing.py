import pprint
pprint.pprint({"list": list(range(30)), "nested": {"a": {"b": ["c" * 20, "d" * 30, "e" * 25]}}}, width=60)
print(repr("tab\t\u00e9\U0001f600"), ascii("é"))
