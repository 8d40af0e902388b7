import inspect, typing, types
def f(a: int, b: "str" = "x", *args, c=None, **kw) -> list[int]: ...
print(inspect.signature(f), typing.get_type_hints(f)["a"], f.__defaults__)
print(type("Made", (object,), {"x": 1}).x, isinstance(f, types.FunctionType), callable(len))
