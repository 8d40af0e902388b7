from functools import lru_cache, partial, reduce, cached_property, singledispatch, total_ordering
@lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(80), fib.cache_info().hits)
print(reduce(lambda a, b: a * b, range(1, 7)), partial(int, base=2)("1011"))
@singledispatch
def kind(value): return "something"
@kind.register
def _(value: int): return "a number"
print(kind(3), kind("x"))
