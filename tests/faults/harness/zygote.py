"""A warm process: each call it is asked for runs in a fork of it, where one thing goes wrong.

Requests and answers are lines of JSON. TensorFlow is imported here and starts its threads only in
the forks, which would not survive without them.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

SEEN = ("create", "write", "sync", "name", "read")
"""The kinds of calls that the shim counts, in the order of its bits."""


def main() -> None:
    """Answer requests until there are no more."""
    for module in sys.argv[1:]:
        importlib.import_module(module)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(answered(json.loads(line))), flush=True)


def answered(request: dict[str, Any]) -> dict[str, Any]:
    """Carry out a request in a fork, and tell how that ended."""
    said = Path(request["said"])
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        carry_out(request, said, writing)
    os.close(writing)
    _, status, used = os.wait4(child, 0)
    with os.fdopen(reading) as answer:
        *hit, counts = answer.read().split("\n")
    return {
        "code": os.waitstatus_to_exitcode(status),
        "said": said.read_text("utf-8", errors="replace"),
        "hit": "".join(hit),
        "counts": dict(zip(SEEN, map(int, counts.split()), strict=False)),
        "seconds": used.ru_utime + used.ru_stime,
    }


def carry_out(request: dict[str, Any], said: Path, answer: int) -> None:
    """Make a call in this process, which ends with it."""
    shim = ctypes.CDLL(None)
    code = 1
    try:
        to = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(to, 1)
        os.dup2(to, 2)
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        if "tensorflow" in sys.modules and not request["traced"]:
            import tensorflow

            # Tracing takes most of the time of such small work, and changes no file.
            tensorflow.config.run_functions_eagerly(True)
            warnings.filterwarnings("ignore", "Even though the `tf.config")
        module, function = request["call"].split(":")
        called = getattr(importlib.import_module(module), function)
        sys.argv = ["zoo", *request["arguments"]]
        shim.faults_arm(
            os.fsencode(request["folder"]),
            *(ctypes.c_int(request[key]) for key in ("kinds", "action")),
            ctypes.c_long(request["at"]),
            ctypes.c_int(request["lasting"]),
            ctypes.c_long(request["milliseconds"]),
            ctypes.c_int(answer),
        )
        code = ended(called, request["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        shim.faults_disarm()
        counts = (str(shim.faults_count(kind)) for kind in range(len(SEEN)))
        os.write(answer, " ".join(counts).encode())
        os._exit(code)


def ended(called: Any, arguments: list[str]) -> int:
    """Return the exit code of a call, as the command line has it."""
    from zoo import ZooError

    try:
        called(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except ZooError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
