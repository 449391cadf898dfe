"""What a killed process leaves behind: temporary files, known by name, and removed later.

The name says which process writes: a file of one that still runs is never touched.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import re
import secrets
import shutil
import time
from pathlib import Path

PREFIX = ".partial-"
OLD = "old"
"""In a folder that is written: what the new one takes the place of, under its name."""
FOREIGN_SECONDS = 86_400.0
"""Of another machine's processes nothing is known: what was not touched for a day is removed."""

_NAME = re.compile(rf"{re.escape(PREFIX)}(?P<machine>[0-9a-f]{{8}})-(?P<process>\d+)-")
_swept: set[str] = set()


def new_name(suffix: str = "") -> str:
    """Return a name for a file or folder that this process is about to write."""
    return f"{PREFIX}{_machine()}-{os.getpid()}-{secrets.token_hex(4)}{suffix}"


def sweep(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder; what cannot be is left.

    What such a process had put aside gets its name back.
    """
    with contextlib.suppress(OSError):
        for path in folder.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                if _abandoned(path):
                    bring_back(path)
                    _remove(path)


def bring_back(partial: Path) -> None:
    """Give what was put aside in a half-written folder its name back, where nothing has it."""
    for aside in (partial / OLD).glob("*"):
        name = partial.parent / aside.name
        if not os.path.lexists(name):
            aside.replace(name)


def sweep_once(folder: Path) -> None:
    """Sweep a folder the first time that this process writes there."""
    if (name := str(folder)) not in _swept:
        _swept.add(name)
        sweep(folder)


def _abandoned(path: Path) -> bool:
    written = path.lstat().st_mtime
    known = _NAME.match(path.name)
    if known is None or known["machine"] != _machine():
        return time.time() - written > FOREIGN_SECONDS
    import psutil  # only where something was left

    try:
        started = psutil.Process(int(known["process"])).create_time()
    except psutil.AccessDenied:
        return False
    except psutil.NoSuchProcess:
        return True
    return started > written + 1  # the number was given to another process since


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@functools.cache
def _machine() -> str:
    """Identify where process numbers mean the same: the machine, and the container on it."""
    space = "/proc/self/ns/pid"
    with contextlib.suppress(OSError):
        space = os.readlink(space)  # noqa: PTH115 (it is no file)
    return hashlib.blake2b(f"{platform.node()} {space}".encode(), digest_size=4).hexdigest()
