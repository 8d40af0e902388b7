"""Running what a script's author wrote, and telling failures with the lines of the script and no others."""

import inspect
import linecache
import os
import sys
import traceback
import types

# Modules that other hosts have, and what to do here.
ELSEWHERE = {
    "requests": "`http_get` and `http_post` in a `tool_call` stage ask for pages",
    "httpx": "`http_get` and `http_post` in a `tool_call` stage ask for pages",
    "numpy": "the standard library alone is here",
    "pandas": "the standard library alone is here; `csv` and `statistics` are in it",
    "yaml": "the standard library alone is here; `json` is in it",
}
FRAMES = 6


class Misuse(Exception):
    """The adapter is written wrongly."""


class Failed(Exception):
    """The script failed; the text says where."""


class Script:
    """The text of a script with what it is given."""

    def __init__(self, code, file, context, args, context_text):
        self.code, self.file, self.context, self.args = code, file, context, args
        os.environ.clear()
        os.environ["ARMATURE_CONTEXT"] = context_text
        lines = code.splitlines(keepends=True)
        linecache.cache[file] = (len(code), None, lines, file)

    def _module(self, name):
        module = types.ModuleType(name)
        module.__file__ = self.file
        module.context, module.args = self.context, self.args
        # Dataclasses and the like look their module up.
        sys.modules[name] = module
        exec(compile(self.code, self.file, "exec"), module.__dict__)
        return module

    def call(self, name):
        """Calls a function of the script and gives what it returns."""
        try:
            function = getattr(self._module("script"), name, None)
            if not callable(function):
                raise Misuse(f"there is no function `{name}` in {self.file}")
            positional, named = self._arguments(function, name)
            return _finish(function(*positional, **named))
        except Misuse:
            raise
        except SystemExit as stop:
            if stop.code in (None, 0):
                return None
            raise Failed(f"{self.file} ended with sys.exit({stop.code!r})") from None
        except BaseException as error:
            raise Failed(self.told(error)) from None

    def run(self):
        """Runs the script: its exit code, and what it left as `result`."""
        try:
            module = self._module("__main__")
            return 0, getattr(module, "result", None)
        except SystemExit as stop:
            if stop.code is None or isinstance(stop.code, int):
                return int(stop.code or 0), None
            print(stop.code, file=sys.stderr)
            return 1, None
        except BaseException as error:
            print(self.told(error), file=sys.stderr)
            return 1, None

    def _arguments(self, function, name):
        """The context first, then `args` by their names; a parameter called `args` takes all of them."""
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):
            return [self.context], dict(self.args)
        args = dict(self.args)
        positional = []
        plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        if plain and plain[0].name not in args:
            positional.append(self.context)
            plain = plain[1:]
        if plain and plain[0].name == "args" and "args" not in args:
            return positional + [args], {}
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
        known = {p.name for p in parameters}
        unknown = [key for key in args if key not in known]
        if unknown and not takes_all:
            names = ", ".join(f"`{key}`" for key in unknown)
            raise Misuse(f"`{name}` in {self.file} takes no argument {names}")
        missing = [p.name for p in plain if p.default is p.empty and p.name not in args]
        if missing:
            names = ", ".join(f"`{key}`" for key in missing)
            raise Misuse(f"`{name}` in {self.file} needs {names}: write it under `args`")
        return positional, args

    def told(self, error):
        """The error with the script's own lines; what lies below them is ours and nobody's business."""
        head = "".join(traceback.format_exception_only(error)).strip()
        if isinstance(error, SyntaxError):
            return f"{self.file}:{error.lineno}: SyntaxError: {error.msg}"
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == self.file]
        where = [f"  {f.filename}:{f.lineno} in {f.name}: {(f.line or '').strip()}" for f in frames[-FRAMES:]]
        if frames:
            head = f"{self.file}:{frames[-1].lineno}: {head}"
        if isinstance(error, ModuleNotFoundError):
            hint = ELSEWHERE.get((error.name or "").split(".")[0], "a script is one file, with the standard library")
            where.append(f"  hint: {hint}")
        return "\n".join([head, *where])


def _finish(value):
    """What a function returned; an `async` one is driven to its end, for nothing here ever waits."""
    if not inspect.iscoroutine(value):
        return value
    try:
        value.send(None)
    except StopIteration as stop:
        return stop.value
    value.close()
    raise RuntimeError("it waits for something that never comes")
