import re
print(re.findall(r"(?<=\$)\d+(?:\.\d+)?", "tea $3, cake $4.50, no 7"))
print(re.sub(r"(?<!\d)(\d{4})-(\d\d)(?!\d)", lambda m: f"{m[2]}/{m[1]}", "2024-05 and 12024-06"))
print(bool(re.fullmatch(r"[a-z]+(?:_[a-z]+)*", "snake_case_name")))
