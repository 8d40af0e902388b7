#!/usr/bin/env python3
"""Runs the cases of this folder on the Python original, and prints where it agrees.

    python3 -m venv /somewhere && /somewhere/bin/pip install armature-agents==0.2.0 mcp
    /somewhere/bin/python tests/conformance/original.py [WORD IN A NAME ...] [--verbose]

Needs nothing beside the standard library and the original itself; says so, and ends well, when that is not installed.
Each case runs in a process, a directory and a home of its own. What is changed for it, and nothing else:
tiers with `provider: scripted` are pointed at a server on loopback that speaks OpenAI's wire format and answers from
the case's model.yml; entries `plugin:` of `tools` are left out (there, built-in tools need no grant); the word SERVER
in specs and inputs becomes the address of that server.
"""

import asyncio
import contextvars
import http.server
import json
import os
import pathlib
import shutil
import socketserver
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 60
LOOSE = {"$contains", "$lacks", "$absent", "$type"}
TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}


# --- the server ---------------------------------------------------------------------------------------------------

class Scripts:
    """The model scripts of the cases, and how often each reply was given."""

    def __init__(self):
        self.lock = threading.Lock()
        self.files = {}
        self.given = {}

    def pick(self, case, file, stage, model, messages):
        turn = 1 + sum(1 for message in messages if message["role"] == "assistant")
        last = messages[-1]
        # The original keeps what a stage sees in the system message, too.
        said = last["content"] if last["role"] == "tool" else "\n".join(str(m.get("content")) for m in messages)
        with self.lock:
            for at, entry in enumerate(self.files[case][file]):
                fits = (
                    entry.get("stage", stage) == stage
                    and entry.get("turn", turn) == turn
                    and entry.get("model", model) == model
                    and str(entry.get("contains", "")) in said
                )
                key = (case, file, at, stage, turn)
                if fits and self.given.get(key, 0) < entry.get("times", 1 << 30):
                    self.given[key] = self.given.get(key, 0) + 1
                    return entry
        return None


SCRIPTS = Scripts()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value, headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
        self.send_response(status)
        for name, text in headers:
            self.send_header(name, text)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        size = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(size)
        parts = self.path.strip("/").split("/")
        if parts[-1] == "completions":
            return self.complete(parts[1], parts[2], json.loads(body))
        if parts[0] == "status":
            return self.answer(int(parts[1]), parts[1].encode())
        if parts[0] == "key":
            fits = self.headers.get("authorization") == "Bearer k-1234567890"
            return self.answer(200 if fits else 401, b"welcome" if fits else b"who are you?")
        if parts[0] == "moved":
            return self.answer(307, b"", [("location", "/echo")])
        try:
            said = json.loads(body)
        except ValueError:
            said = body.decode(errors="replace")
        headers = {name.lower(): text for name, text in self.headers.items()}
        self.answer(200, {"method": self.command, "path": self.path, "headers": headers, "body": said})

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def complete(self, case, file, asked):
        stage = self.headers.get("x-stage", "")
        entry = SCRIPTS.pick(case, file, stage, asked["model"], asked["messages"])
        if entry is None:
            return self.answer(400, {"error": {"message": f"no reply fits stage {stage}", "type": "script"}})
        time.sleep(entry.get("delay_ms", 0) / 1000)
        if "fail" in entry and entry["fail"] != "bad_json":
            status = {"auth": 401, "credits": 402, "rate_limited": 429, "overloaded": 529}.get(entry["fail"], 400)
            return self.answer(status, {"error": {"message": entry["fail"], "type": "script"}})
        text = entry.get("text")
        if "json" in entry:
            text = json.dumps(entry["json"])
        if entry.get("fail") == "bad_json":
            text = '{"answer": "cut off in the mid'
        message = {"role": "assistant", "content": text}
        calls = entry.get("tool_calls")
        if calls:
            message["tool_calls"] = [
                {
                    "id": f"call_{len(asked['messages'])}_{at}",
                    "type": "function",
                    "function": {
                        "name": call["name"],
                        "arguments": call["arguments"] if isinstance(call["arguments"], str) else json.dumps(call["arguments"]),
                    },
                }
                for at, call in enumerate(calls)
            ]
        self.answer(200, {
            "id": "x", "object": "chat.completion", "created": 0, "model": asked["model"],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}],
        })

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # who asked did not wait for the answer


class Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256


# --- one case -----------------------------------------------------------------------------------------------------

def prepare(case, work, base):
    """Copies the case and points its specs at the server."""
    from ruamel.yaml import YAML

    shutil.copytree(HERE / case, work)
    reader = YAML(typ="safe")
    keeper = YAML()
    keeper.preserve_quotes = True
    keeper.width = 100_000
    SCRIPTS.files[case] = {}
    for file in sorted(work.rglob("*.yml")):
        file.write_text(file.read_text().replace("SERVER", base))
        try:
            plain, kept = reader.load(file.read_text()), keeper.load(file.read_text())
        except Exception:
            continue  # a file that cannot be read is the case
        if isinstance(plain, list) or (isinstance(plain, dict) and "replies" in plain):
            SCRIPTS.files[case][file.name] = plain if isinstance(plain, list) else plain["replies"]
            continue
        changed = False
        for tier in (kept.get("model_tiers") or {}).values():
            if isinstance(tier, dict) and tier.get("provider") == "scripted":
                tier["provider"], tier["model"] = "openai", f"openai/{tier['model']}"
                tier["api_base"] = f"{base}/model/{case}/{tier.pop('script', 'model.yml')}"
                changed = True
        tools = kept.get("tools")
        if tools and any("plugin" in tool for tool in tools):
            kept["tools"] = [tool for tool in tools if "plugin" not in tool]
            changed = True
        if changed:
            with file.open("w") as out:
                keeper.dump(kept, out)


def patch():
    """Tells the server which stage asks: the request itself does not say."""
    import armature.nodes.llm as llm

    asking = contextvars.ContextVar("asking", default="")
    execute, complete = llm.LLMNode.execute, llm.litellm_completion

    async def named(self, context):
        token = asking.set(self._stage.id)
        try:
            return await execute(self, context)
        finally:
            asking.reset(token)

    async def told(**kwargs):
        kwargs.setdefault("extra_headers", {})["x-stage"] = asking.get()
        kwargs["max_retries"] = 0
        return await complete(**kwargs)

    llm.LLMNode.execute, llm.litellm_completion = named, told


def ask(case, expected, inputs):
    """In the process of the case: what the original does with it."""
    from armature.runtime.engine import Harness
    from armature.spec.loader import load_spec
    from armature.spec.validator import validate_spec

    said = {"codes": None, "error": None, "result": None}
    variables = inputs if expected.get("typed_inputs") and inputs else None
    try:
        spec = load_spec("spec.yml", vars=variables)
        said["codes"] = sorted({finding.code for finding in validate_spec(spec, strict=False)})
        if expected.get("risk"):
            from armature.spec.risk import compute_spec_risk

            risk = compute_spec_risk(spec)
            said["risk"] = {"score": risk.score, "tier": risk.tier}
    except Exception as error:
        said["error"] = f"{type(error).__name__}: {error}"
        return said
    if expected.get("command") == "validate":
        return said
    # As in a home in which something ran before: its first run loses the race for its own database.
    from armature.cache.llm_cache import LLMCache
    from armature.state.traces import TraceStore

    home = pathlib.Path.home() / ".armature"
    home.mkdir(exist_ok=True)
    asyncio.run(TraceStore(home / "traces.db").init())
    asyncio.run(LLMCache(home / "llm_cache.sqlite").init())
    try:
        for _ in range(expected.get("times", 1)):
            began = time.monotonic()
            harness = Harness(load_spec("spec.yml", vars=variables), use_cache="--no-cache" not in expected.get("arguments", []))
            said["result"] = json.loads(json.dumps(asyncio.run(harness.run(dict(inputs))), default=str))
    except BaseException as error:
        said["result"] = None
        said["error"] = f"{type(error).__name__}: {error}"
    said["took"] = time.monotonic() - began
    return said


def child(case, expected, inputs, work, answers, report):
    os.setsid()
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(HOME=str(work.parent), OPENAI_API_KEY="none", **expected.get("environment", {}))
    os.chdir(work)
    typed = work.parent / "typed"
    typed.write_text(answers)
    quiet = os.open(work.parent / "said", os.O_WRONLY | os.O_CREAT)
    os.dup2(os.open(typed, os.O_RDONLY), 0)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    report.write_text(json.dumps(ask(case, expected, inputs)))
    os._exit(0)


def typed_answers(expected):
    """`--approve STAGE=no:words` as somebody at the keyboard types it."""
    lines = []
    arguments = expected.get("arguments", [])
    for flag, value in zip(arguments, arguments[1:]):
        if flag == "--approve":
            answer, _, words = value.partition("=")[2].partition(":")
            lines.append(answer)
            if answer != "yes":
                lines.append(words)
    return "".join(line + "\n" for line in lines)


def run(case, expected, base):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="original-"))
    try:
        work, report = folder / "work", folder / "report"
        prepare(case, work, base)
        file = HERE / case / "inputs.json"
        inputs = json.loads(file.read_text().replace("SERVER", base)) if file.exists() else {}
        pid = os.fork()
        if pid == 0:
            try:
                child(case, expected, inputs, work, typed_answers(expected), report)
            finally:
                os._exit(1)
        until = time.monotonic() + SECONDS
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > until:
                os.killpg(pid, 9)
                os.waitpid(pid, 0)
                return ["it did not end"], {}
            time.sleep(0.02)
        said = json.loads(report.read_text()) if report.exists() else {"error": "the process died"}
        return judge(expected, said, work, base), said
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- comparing ----------------------------------------------------------------------------------------------------

NOTHING = object()


def differences(place, expected, found):
    if isinstance(expected, dict) and expected and set(expected) <= LOOSE:
        return [said for key, wanted in expected.items() if (said := loose(place, key, wanted, found))]
    if found is NOTHING:
        return [f"{place}: expected {expected!r}, found nothing"]
    if isinstance(expected, dict) and isinstance(found, dict):
        return [d for key, value in expected.items() for d in differences(f"{place}.{key}", value, found.get(key, NOTHING))]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [d for at, pair in enumerate(zip(expected, found)) for d in differences(f"{place}[{at}]", *pair)]
    if type(expected) is type(found) and expected == found:
        return []
    return [f"{place}: expected {expected!r}, found {found!r}"]


def loose(place, key, wanted, found):
    texts = wanted if isinstance(wanted, list) else [wanted]
    said = "" if found is NOTHING else found if isinstance(found, str) else json.dumps(found, separators=(",", ":"))
    holds = {
        "$contains": lambda: found is not NOTHING and all(text in said for text in texts),
        "$lacks": lambda: found is not NOTHING and not any(text in said for text in texts),
        "$absent": lambda: (found is NOTHING) == bool(wanted),
        "$type": lambda: found is not NOTHING and [TYPES.get(type(found), "null")] == texts,
    }[key]()
    return None if holds else f"{place}: expected {key} {wanted!r}, found {said!r}"


def judge(expected, said, work, base):
    """What differs. The words of messages and the codes of exits are our own: well or not well is compared."""
    out = []
    well = said.get("error") is None
    if expected.get("command") == "validate" or "findings" in expected:
        codes = said.get("codes")
        if "findings" in expected and codes is not None and codes != sorted(set(expected["findings"])):
            out.append(f"findings: expected {sorted(expected['findings'])}, found {codes}")
    if "risk" in expected:
        out += differences("risk", {k: expected["risk"][k] for k in ("score", "tier") if k in expected["risk"]}, said.get("risk", NOTHING))
    if expected.get("command") != "validate" and well != (expected.get("exit", 0) == 0):
        out.append(f"exit: expected {expected.get('exit', 0)}, found {said.get('error') or 'a result'}")
    if "result" in expected:
        wanted = json.loads(json.dumps(expected["result"]).replace("SERVER", base))
        found = said.get("result")
        out += differences("result", wanted, NOTHING if found is None else found)
    if said.get("took", 0) > expected.get("seconds", SECONDS):
        out.append(f"time: expected {expected['seconds']} s at most, took {said['took']:.1f} s")
    for name, text in expected.get("files", {}).items():
        file = work / name
        found = file.read_text(errors="replace") if file.is_file() else NOTHING
        if text is None:
            out += [] if found is NOTHING else [f"file {name}: expected none, found {found!r}"]
        else:
            out += differences(f"file {name}", text, found)
    return out


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    verbose = "--verbose" in sys.argv
    try:
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        import armature
        import armature.runtime.engine  # noqa: F401
    except ImportError as error:
        print(f"The Python original is not installed for {sys.executable} ({error}): nothing to compare.")
        print("Install armature-agents==0.2.0 and mcp in an environment of its own, and run this file with its python.")
        return 0
    print(f"armature-agents {armature.__version__}")
    server = Threads(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    patch()
    counts = {}
    for case in sorted(path.parent.name for path in HERE.glob("*/expected.json")):
        if words and not any(word in case for word in words):
            continue
        expected = json.loads((HERE / case / "expected.json").read_text())
        skip = (expected.get("original") or {}).get("skip")
        if skip:
            verdict, found = f"not asked: {skip}", []
            kind = "not asked"
        else:
            for _ in range(3):
                SCRIPTS.given.clear()
                found, said = run(case, expected, base)
                # Its traces are written by several connections that do not wait for each other.
                if "database is locked" not in str(said.get("error")):
                    break
            mine = expected["origin"] == "original"
            kind = {
                (True, True): "agrees",
                (True, False): "DIFFERS",
                (False, True): "agrees, though it need not",
                (False, False): "differs, as expected",
            }[mine, not found]
            verdict = kind
        counts[kind] = counts.get(kind, 0) + 1
        print(f"{case:<64} {expected['origin']:<10} {verdict}", flush=True)
        if found and (verbose or kind == "DIFFERS"):
            for line in found + ([said["error"]] if said.get("error") else []):
                print(f"    {line[:600]}")
    print()
    for kind, count in sorted(counts.items()):
        print(f"{count:>4}  {kind}")
    return 1 if counts.get("DIFFERS") else 0


if __name__ == "__main__":
    sys.exit(main())
