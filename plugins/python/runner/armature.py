"""What a script can ask of the host: `import armature`.

Every function is one call of the contract; what may be done is decided there, by what the adapter was granted.
"""

import json as _json

import componentize_py_types as _types
from wit_world.imports import http as _http
from wit_world.imports import kv as _kv
from wit_world.imports import log as _log
from wit_world.imports import progress as _progress
from wit_world.imports import secrets as _secrets
from wit_world.imports import toolbox as _toolbox


class Refused(PermissionError):
    """Not granted, or not possible; the message says what was asked and why."""


def _ask(function, *arguments):
    try:
        return function(*arguments)
    except _types.Err as error:
        value = error.value
        detail = getattr(value, "value", None)
        kind = type(value).__name__.rpartition("_")[2].lower()
        raise Refused(f"{kind}: {detail}" if detail else kind) from None


class Response:
    """The answer to a request."""

    def __init__(self, answer):
        self.status, self.url, self.content = answer.status, answer.url, bytes(answer.body)
        self.headers = dict(answer.headers)

    @property
    def text(self):
        return self.content.decode("utf-8", "replace")

    def json(self):
        return _json.loads(self.content)


def fetch(url, method="GET", headers=None, body=None, timeout_ms=None, max_redirects=5):
    """Sends a request and waits for the whole answer. Needs an `http` grant."""
    headers = list((headers or {}).items())
    if body is not None and not isinstance(body, (str, bytes)):
        body = _json.dumps(body)
        headers.append(("content-type", "application/json"))
    if isinstance(body, str):
        body = body.encode()
    request = _http.Request(method.upper(), url, headers, body, timeout_ms, max_redirects)
    return Response(_ask(_http.fetch, request))


def call_tool(name, arguments=None, **more):
    """Calls a tool and gives its result. Needs a `tools` grant."""
    return _json.loads(_ask(_toolbox.call_tool, name, _json.dumps({**(arguments or {}), **more})))


def log(message):
    """Writes a line for the person who runs the workflow."""
    _log.write(_log.Level.INFO, str(message))


def progress(done, total=None, message=""):
    """Says how far the work is."""
    _progress.report(int(done), None if total is None else int(total), str(message))


def has_secret(name):
    """Is there a secret of this name? Its value is put into requests by the host and never seen here."""
    return _secrets.exists(name)


def kv_get(key):
    """The text kept under a key, or None. Needs a `kv` grant, as do the three below."""
    value = _ask(_kv.get, key)
    return None if value is None else bytes(value).decode("utf-8", "replace")


def kv_set(key, value):
    _ask(_kv.set, key, value.encode() if isinstance(value, str) else bytes(value))


def kv_delete(key):
    _ask(_kv.delete, key)


def kv_keys(prefix=""):
    return _ask(_kv.keys, prefix)
