import re
from collections import Counter


def top(context, path, n=3):
    words = Counter(re.findall(r"[a-z]+", open(path).read().lower()))
    best = sorted(words.items(), key=lambda pair: (-pair[1], pair[0]))
    return {"top": [f"{word} {count}" for word, count in best[:n]]}
