import functools
def counted(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)
    wrapper.calls = 0
    return wrapper
@counted
def greet(name="you", /, *, loud=False):
    """Says hello."""
    return f"HELLO {name}" if loud else f"hello {name}"
print(greet("Ada", loud=True), greet(), greet.calls, greet.__name__, greet.__doc__)
