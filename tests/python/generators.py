def numbers(n):
    for i in range(n):
        got = yield i
        if got:
            print("got", got)
    return "done"
g = numbers(3)
print(next(g), g.send("mail"), list(g))
def outer():
    result = yield from numbers(1)
    yield result
print(list(outer()), sum(x * x for x in range(10)))
