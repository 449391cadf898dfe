"""Work that ends at its next step when nobody waits for it any more.

What is long asks between its steps, whoever began it: each pass through a network does, and what
works through images one by one. Who is asked belongs to the thread at work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Result = TypeVar("Result")

STEP = 0.1
"""Seconds between two questions while something is done apart."""


def _nobody() -> None:
    """Let the work go on: nobody waits for it in particular."""


_ask: ContextVar[Callable[[], None]] = ContextVar("ask", default=_nobody)


@contextmanager
def asking(ask: Callable[[], None]) -> Iterator[None]:
    """Call `ask` between the steps of what is done inside; what it raises ends the work.

    Who was asked around it is asked too, and first.
    """
    before = _ask.get()

    def both() -> None:
        before()
        ask()

    token = _ask.set(both)
    try:
        yield
    finally:
        _ask.reset(token)


def check() -> None:
    """Go on, or end with what the one who is asked raises."""
    _ask.get()()


def apart(work: Callable[[], Result]) -> Result:
    """Return what work gives that cannot be ended, such as an import, or go on without it.

    It is done to its end in a thread of its own; so it should be what the next one needs too.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name="apart").start()
    while not wait([future], timeout=STEP).done:
        check()
    return future.result()
