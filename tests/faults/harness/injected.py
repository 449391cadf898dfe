"""What goes wrong on purpose: the shim, the warm process it is loaded into, and what they tell."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CREATE, WRITE, SYNC, NAME, READ = KINDS = (1, 2, 4, 8, 16)
KILLED, DELAYED = -1, -2
DELAY = 100
"""Milliseconds."""
PLUGIN = "small_networks"
THREADS = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the n-th of some kinds of calls, or from then on."""

    name: str
    kinds: int
    action: int
    lasting: bool = False

    def points(self, counts: dict[str, int], wanted: int) -> list[int]:
        """Return at most `wanted` of the calls, spread evenly, given how many of each kind are."""
        there = sum(n for bit, n in zip(KINDS, counts.values(), strict=True) if bit & self.kinds)
        chosen = {1 + round((i + 0.5) * there / wanted - 0.5) for i in range(wanted)}
        return sorted(point for point in chosen if point <= there)


NONE = Fault("none", 0, 0)
FAULTS = (
    Fault("killed in a write, half of it done", WRITE, KILLED),
    Fault("killed before another change", CREATE | SYNC | NAME, KILLED),
    Fault("killed before a read", READ, KILLED),
    Fault("ENOSPC once", CREATE | WRITE, errno.ENOSPC),
    Fault("ENOSPC from then on", CREATE | WRITE, errno.ENOSPC, lasting=True),
    Fault("EROFS from then on", CREATE | NAME, errno.EROFS, lasting=True),
    Fault("EIO once, in a write or sync", WRITE | SYNC, errno.EIO),
    Fault("EIO from then on, in writes and syncs", WRITE | SYNC, errno.EIO, lasting=True),
    Fault("EIO once, in a read", READ, errno.EIO),
    Fault("a delay of a change or read", sum(KINDS), DELAYED),
)
NAMES = [fault.name for fault in FAULTS]


@dataclass(frozen=True)
class Ended:
    """How a call ended: exit code (negative: a signal), what it said, which call was hit."""

    code: int
    said: str
    hit: str
    counts: dict[str, int]
    seconds: float


def compile_shim(folder: Path) -> Path | None:
    """Compile the shim; None where that cannot be done."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not sys.platform.startswith("linux") or compiler is None:
        return None
    made = folder / "shim.so"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wno-nonnull-compare"]
    built = subprocess.run(  # noqa: S603 (our own source)
        [compiler, *flags, "-o", made, HERE / "shim.c", "-ldl"], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    return made


@dataclass
class Zygote:
    """The warm process. Calls work in `folder / "work"`, and what they do there may go wrong."""

    folder: Path
    shim: Path
    modules: Sequence[str]
    _process: Any = field(init=False)

    def __post_init__(self) -> None:
        site = self.folder / "site"
        information = site / f"{PLUGIN}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PLUGIN}\nVersion: 1")
        (information / "entry_points.txt").write_text(f"[zoo]\n{PLUGIN} = {PLUGIN}\n")
        paths = filter(None, [os.environ.get("PYTHONPATH")])
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, HERE / "zygote.py", *self.modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                **dict.fromkeys(THREADS, "1"),  # threads do not survive a fork, and change sums
                "LD_PRELOAD": str(self.shim),
                "PYTHONPATH": os.pathsep.join([*map(str, (site, HERE)), *paths]),
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
        )
        assert self._process.stdout.readline() == "ready\n"

    @property
    def work(self) -> Path:
        """The folder in which calls work."""
        return self.folder / "work"

    def call(
        self,
        function: str,
        arguments: Sequence[str] = (),
        fault: Fault = NONE,
        at: int = 0,
        traced: bool = False,
    ) -> Ended:
        """Call `module:function` with the arguments in a fork, and say how that ended.

        TensorFlow traces its functions, as it usually does, only where it is `traced`.
        """
        request = {
            "call": function,
            "arguments": [*map(str, arguments)],
            "traced": traced,
            "folder": str(self.work),
            "environment": {
                "ZOO_RUNS": str(self.work / "runs"),
                "ZOO_CACHE": str(self.work / "cache"),
            },
            "said": str(self.folder / "said.txt"),
            "kinds": fault.kinds,
            "action": fault.action,
            "at": at,
            "lasting": int(fault.lasting),
            "milliseconds": DELAY,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """Let the process end."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)
