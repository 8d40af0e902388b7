from collections import Counter, defaultdict, deque, OrderedDict, ChainMap, namedtuple
words = open("words.txt").read().split()
print(Counter(words).most_common(2))
groups = defaultdict(list)
for word in words:
    groups[len(word)].append(word)
print(sorted(groups.items())[0])
line = deque(range(5), maxlen=3)
line.rotate(1)
print(line, ChainMap({"a": 1}, {"a": 2, "b": 3})["b"])
Point = namedtuple("Point", "x y")
print(Point(1, 2)._replace(y=5))
