class Trouble(Exception):
    def __init__(self, code): super().__init__(f"code {code}"); self.code = code
def work(n):
    try:
        if n == 0: raise Trouble(7)
        return 10 / (n - 1)
    except ZeroDivisionError as error:
        raise ValueError("bad n") from error
    finally:
        print("finally", n)
for n in range(3):
    try:
        print(work(n))
    except (Trouble, ValueError) as error:
        print(type(error).__name__, error, error.__cause__.__class__.__name__)
    else:
        print("fine")
