import re
log = open("access.log").read()
for line in re.findall(r"^(?P<ip>\d+(?:\.\d+){3}) (GET|POST) (\S+) (\d{3})$", log, re.M):
    print(line)
print(re.sub(r"(\w+)@(\w+)", r"\2 at \1", "ada@home bob@work"))
print(re.split(r"[,;]\s*", "a, b;c,d"))
