"""One process at a time in a folder. The system gives a lock back when its holder dies.

A process must not wait for a folder that it holds itself.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from zoo.base.files import writing

MOMENT = 0.05
"""Seconds after which whoever only looked (`is_held`) is certainly gone."""


@contextlib.contextmanager
def holding(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a folder, or a file, while the block runs; False: another has it and `wait` is off.

    The folder itself is locked, so that no file is left. Where the system cannot lock folders, as
    Windows, or some of a network, nothing is held and True is given: files are whole then, too,
    but two processes may take turns in writing them.
    """
    from filelock import lock_descriptor

    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        yield True
        return
    try:
        try:
            held = lock_descriptor(handle, blocking=wait)
            if not held:
                time.sleep(MOMENT)
                held = lock_descriptor(handle, blocking=False)
        except OSError:
            held = True
        yield held
    finally:
        os.close(handle)


def is_held(folder: Path) -> bool:
    """Tell whether another process holds a folder, without keeping any other from it for long.

    Where the system cannot lock folders nothing is held.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # those who only look share it
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


@contextlib.contextmanager
def in_turn(folder: Path) -> Iterator[None]:
    """Make a folder, and wait until no other process writes what belongs together there.

    Raises:
        NotWritten: it cannot be made.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with holding(folder, wait=True):
        yield
