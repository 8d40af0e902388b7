"""Adapters of `type: python`: a function or a script of Python, inside this component.

The script is data of the call. The component is made once, with the interpreter started and the standard library
imported, and every call is a fresh instance of it: nothing of one call is seen by the next.

A function's failure is a failure of the call. A script's (`cmd`) is a result with an exit code, as a shell's is.
"""

import json
import random
import sys

import componentize_py_types
import wit_world
from wit_world.exports import adapter_api

import armature
import files
import library  # noqa: F401  imported for what it imports
import results
import scripts


def _invalid(message):
    return componentize_py_types.Err(adapter_api.Error_Invalid(message))


def _failed(message):
    return componentize_py_types.Err(adapter_api.Error_Failed(message))


class AdapterApi(wit_world.exports.AdapterApi):
    def run(self, config, context):
        config, seen = json.loads(config), json.loads(context)
        files.install()
        # The generator was seeded when the component was made, alike for all calls.
        random.seed()
        printed = results.Printed()
        sys.stdout, sys.stderr, sys.stdin = printed.stdout, printed.stderr, results.NoInput()
        script = scripts.Script(config["code"], config["file"], seen, config.get("args") or {}, context)
        try:
            if config.get("function"):
                value = script.call(config["function"])
                files.close_all()
                result = results.of_function(value, printed)
            else:
                code, value = script.run()
                files.close_all()
                result = results.of_script(code, value, printed)
            return json.dumps(result, default=results.plain, allow_nan=False)
        except scripts.Misuse as why:
            raise _invalid(str(why)) from None
        except scripts.Failed as why:
            raise _failed(str(why)) from None
        except OSError as why:
            raise _failed(f"a file that {config['file']} left open cannot be written: {why}") from None
        except (RecursionError, MemoryError):
            raise _failed(f"the result of {config['file']} is too deep or too large") from None
        except (TypeError, ValueError) as why:
            raise _failed(f"the result of {config['file']} is no JSON: {why}") from None
