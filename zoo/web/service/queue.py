"""One thing at a time, a limited number waiting: how many clients share one machine.

A client that nobody waits for any more is let go of, and the event loop is never held up.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from starlette.requests import Request

from zoo.base import interruption
from zoo.base.progress import Silent
from zoo.web.service.limits import Expired, Overloaded

Result = TypeVar("Result")

Told = Callable[[str, float], None]
"""Is told of a step and the seconds that it took."""

STOPPED = "The service is being stopped. Send it again later."


def untold(step: str, seconds: float) -> None:
    """Take no note of a step."""


@contextmanager
def timed(step: str, told: Told) -> Iterator[None]:
    """Tell how long a step took, however it ended."""
    began = time.monotonic()
    try:
        yield
    finally:
        told(step, time.monotonic() - began)


class Queue:
    """Work that is done in order by one thread, with at most `waiting` pieces waiting."""

    def __init__(self, name: str, waiting: int) -> None:
        self.name, self.waiting = name, waiting
        self.told: Told = untold
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"zoo-{name}")
        self._lock = threading.Lock()
        self._taken, self._closed = 0, False

    @property
    def length(self) -> int:
        """Return how many pieces of work wait or are at work."""
        return self._taken

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Put work in the queue; cancelling the future takes it out while it still waits.

        Raises:
            Overloaded: too many wait already.
            Expired: the service is being stopped.
        """
        if self._closed:
            raise Expired(STOPPED)
        with self._lock:
            if self._taken > self.waiting:
                raise Overloaded(
                    f"{self._taken} requests are waiting already, the most that are taken. "
                    "Send it again in a few seconds."
                )
            self._taken += 1
        try:
            future = self._pool.submit(self._done, work, time.monotonic())
        except BaseException:
            self._leave()
            raise
        future.add_done_callback(self._dropped)
        return future

    def close(self) -> None:
        """Drop what waits, and end what is at work at its next step."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, work: Callable[[], Result], came: float) -> Result:
        """Do the work and leave before its result is there: whoever has that may come again."""
        self.told(f"waiting for {self.name}", time.monotonic() - came)
        try:
            with timed(f"work in {self.name}", self.told), interruption.asking(self._check):
                return work()
        finally:
            self._leave()

    def _check(self) -> None:
        if self._closed:
            raise Expired(STOPPED)

    def _dropped(self, future: Future[Any]) -> None:
        if future.cancelled():
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._taken -= 1


class Deadline(Silent):
    """A listener that ends work at its next step: when its time is over or nobody waits for it."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._given_up = threading.Event()

    @property
    def left(self) -> float:
        """Return the seconds that are left, at least 0."""
        return 0.0 if self._given_up.is_set() else max(0.0, self._end - time.monotonic())

    def give_up(self) -> None:
        """Let the work end."""
        self._given_up.set()

    def start(self, title: str, total: int) -> None:  # noqa: ARG002 (a listener's signature)
        """Check before a stretch of work."""
        self.check()

    def advance(self, steps: int = 1) -> None:  # noqa: ARG002 (a listener's signature)
        """Check after a step of work."""
        self.check()

    def check(self) -> None:
        """Go on only while there is time.

        Raises:
            Expired: there is none left.
        """
        if not self.left:
            raise Expired(
                "It takes longer than a request may take. Send fewer images or name fewer methods."
            )


async def result_of(request: Request, future: Future[Result], deadline: Deadline) -> Result:
    """Return what the work gives; it is given up when the client leaves or the time is over.

    Raises:
        Expired: the deadline has come, the client is gone, or the server ends.
    """
    work = asyncio.wrap_future(future)
    left = asyncio.ensure_future(_left(request))
    waited: set[asyncio.Future[Any]] = {work, left}
    try:
        await asyncio.wait(waited, timeout=deadline.left, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
    except asyncio.CancelledError:  # the server ends, and its grace is over
        raise Expired(STOPPED) from None
    finally:
        deadline.give_up()
        left.cancel()
        work.cancel()  # takes it out of the queue if it has not begun
    raise Expired("It took longer than a request may take. Send it again later, or fewer images.")


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
