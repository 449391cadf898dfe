"""Code of plugins run while they are found: in time, and without a word on standard output."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution, EntryPoint
from typing import Any, TypeVar

Given = TypeVar("Given")

OWN = "xray-zoo"
"""The distribution whose plugins keep their names and locations whoever else takes them."""
SECONDS, VARIABLE = 20.0, "ZOO_PLUGIN_SECONDS"
"""What a plugin may take to be imported, and to say what it gives; 0: as long as it wants."""
PATIENCE = 5.0
"""Seconds after which the plugin that is waited for is named."""
LONGEST = 300
"""Letters of a stranger's words that are shown."""


class PluginFailure(Exception):
    """A plugin's own code failed, and how; whoever asked lists the plugin as broken."""


class _TooSlow(BaseException):
    """Raised by the alarm inside a plugin, where it must not be taken for a mistake of its own."""


class _Aside:
    """Whatever is printed while any thread is inside goes to standard error.

    `contextlib.redirect_stdout` alone is not enough: two threads that leave in the order they came
    would put back each other's. The first one in saves it and the last one out puts it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._saved, sys.stdout = sys.stdout, sys.stderr
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                sys.stdout = self._saved


_aside = _Aside()


def is_own(plugin: str) -> bool:
    """Tell whether a plugin, `distribution:name`, belongs to this project."""
    return plugin.partition(":")[0] == OWN


def distribution_of(entry: EntryPoint) -> tuple[str, str]:
    """Return the name and version of the package that an entry point belongs to."""
    return ("unknown", "") if entry.dist is None else _read_once(entry.dist)


@functools.lru_cache(maxsize=256)
def _read_once(distribution: Distribution) -> tuple[str, str]:
    """Parse what a package says of itself once, and not for each of its entry points."""
    said = distribution.metadata
    return said["Name"], said["Version"]


def ask(plugin: str, work: Callable[[], Given]) -> Given:
    """Run code of a plugin, such as its import.

    What it prints goes to standard error. After a few seconds it is named there. In the main thread
    it is ended after `ZOO_PLUGIN_SECONDS` (20), where the system has alarms and nobody else has set
    one; code that never comes back to Python, and other threads, cannot be ended.

    Raises:
        PluginFailure: it failed in any way, a SystemExit or KeyboardInterrupt of its own included.
        KeyboardInterrupt: somebody pressed Ctrl-C.
    """
    limit = _limit()
    note = threading.Timer(PATIENCE, _name, (plugin, limit))
    note.daemon = True
    note.start()
    try:
        with _aside, _watched(limit) as (alarm, pressed):
            try:
                with alarm():
                    return work()
            except _TooSlow:
                raise PluginFailure(
                    f"takes longer than {limit:g} seconds. Import Keras and the like inside "
                    f"functions, or allow it more: {VARIABLE}=60"
                ) from None
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt) and pressed:
                    raise
                raise PluginFailure(told(error)) from error
    finally:
        note.cancel()


def told(error: BaseException) -> str:
    """Say on one line what a stranger's exception says."""
    try:
        words = str(error)
    except Exception:  # its own `__str__` fails
        words = ""
    return f"{type(error).__name__}: {one_line(words)}".removesuffix(": ")


def one_line(words: str) -> str:
    """Make a stranger's words fit for a terminal: one line, no control characters, not too long."""
    plain = "".join(letter if letter.isprintable() else " " for letter in words)
    plain = " ".join(plain.split())
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}..."


def _limit() -> float:
    try:
        seconds = float(os.environ.get(VARIABLE, SECONDS))
    except ValueError:
        return SECONDS
    return seconds if 0 <= seconds < threading.TIMEOUT_MAX else SECONDS


def _name(plugin: str, limit: float) -> None:
    allowed = f", at most {limit:g} seconds ({VARIABLE})" if limit else ""
    print(f"Waiting for the plugin '{plugin}'{allowed}.", file=sys.stderr)


@contextmanager
def _watched(limit: float) -> Iterator[tuple[Callable[[], Any], list[int]]]:
    """Put an alarm and a record of Ctrl-C around a plugin's code, where this thread may have them.

    Gives a context in which the alarm may ring, and the list of the presses.
    """
    pressed: list[int] = []
    ringing = False

    @contextmanager
    def alarm() -> Iterator[None]:
        nonlocal ringing
        ringing = True
        try:
            yield
        finally:
            ringing = False

    if threading.current_thread() is not threading.main_thread():
        yield alarm, pressed
        return

    def ring(_number: int, _frame: Any) -> None:
        if ringing:
            raise _TooSlow

    usual = signal.getsignal(signal.SIGINT)

    def press(number: int, frame: Any) -> None:
        pressed.append(number)
        if callable(usual):
            usual(number, frame)

    timed = (
        limit > 0 and hasattr(signal, "setitimer") and not any(signal.getitimer(signal.ITIMER_REAL))
    )
    before = None
    try:
        if callable(usual):
            signal.signal(signal.SIGINT, press)
        if timed:
            before = signal.signal(signal.SIGALRM, ring)
            signal.setitimer(signal.ITIMER_REAL, limit)
        yield alarm, pressed
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        if callable(usual):
            signal.signal(signal.SIGINT, usual)
