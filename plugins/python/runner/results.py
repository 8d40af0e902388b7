"""What comes of a call: values as JSON, and what was printed."""

import dataclasses
import datetime
import decimal
import enum
import fractions
import io
import os
import types
import uuid

MAX_STDOUT = 4 << 20
MAX_STDERR = 256 << 10
CUT = "\n[the rest was not kept]\n"


class Bounded(io.TextIOBase):
    """Standard output or error: a text with an end."""

    def __init__(self, most):
        self._parts, self._room = [], most

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._room > 0:
            self._parts.append(text[: self._room])
            self._room -= len(text)
            if self._room < 0:
                self._parts.append(CUT)
        return len(text)

    def getvalue(self):
        return "".join(self._parts)


class NoInput(io.TextIOBase):
    """Standard input: nobody is there."""

    def readable(self):
        return True

    def read(self, size=-1):
        return ""

    def readline(self, size=-1):
        return ""


class Printed:
    """What a script prints."""

    def __init__(self):
        self.stdout, self.stderr = Bounded(MAX_STDOUT), Bounded(MAX_STDERR)


def of_function(value, printed):
    """A mapping is the result itself; anything else stands under `result`. What was printed is added where it fits."""
    value = value if isinstance(value, dict) else plain_or_same(value)
    result = dict(value) if isinstance(value, dict) else {"result": value}
    for key, stream in (("stdout", printed.stdout), ("stderr", printed.stderr)):
        text = stream.getvalue()
        if text:
            result.setdefault(key, text)
    return result


def of_script(code, value, printed):
    result = {"stdout": printed.stdout.getvalue(), "stderr": printed.stderr.getvalue(), "exit_code": code}
    if value is not None:
        result["result"] = value
    return result


def plain_or_same(value):
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, types.SimpleNamespace):
        return vars(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    return value


def plain(value):
    """A value that JSON has no word for."""
    same = plain_or_same(value)
    if same is not value:
        return same
    if isinstance(value, (datetime.date, datetime.datetime, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (decimal.Decimal, fractions.Fraction, uuid.UUID)):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (set, frozenset)):
        try:
            return sorted(value)
        except TypeError:
            return list(value)
    if hasattr(value, "__next__") or isinstance(value, (range, type({}.keys()), type({}.values()), type({}.items()))):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
