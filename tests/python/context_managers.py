from contextlib import contextmanager, suppress, redirect_stdout, ExitStack
import io
@contextmanager
def tag(name):
    print(f"<{name}>")
    yield name.upper()
    print(f"</{name}>")
with tag("a") as a, tag("b"):
    print(a)
with suppress(KeyError):
    {}["x"]
out = io.StringIO()
with redirect_stdout(out):
    print("hidden")
print(out.getvalue().strip())
