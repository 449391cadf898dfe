"""Slow work that a page waits for: with progress, and an end when nobody wants it any more."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from zoo.base import interruption
from zoo.base.errors import UnknownName, ZooError
from zoo.base.progress import Silent, Stretch, clock
from zoo.web.app.words import for_a_page
from zoo.web.service.queue import Queue

logger = logging.getLogger(__name__)

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
MOST = 400
"""Tasks that are remembered; the oldest that ended make room."""
BUG = "Something went wrong here. Whoever runs this application finds the reason in its log."


class Cancelled(BaseException):
    """Nobody wants the result any more; no method of explanation takes it for a mistake."""


class Task(Silent):
    """One piece of work; it listens to its own progress, and ends at the next step if cancelled."""

    def __init__(self, title: str, owner: str) -> None:
        self.id, self.title, self.owner = secrets.token_urlsafe(16), title, owner
        self.note_text, self.error = "", ""
        self._stretch = Stretch()
        self.result: Any = None
        self._state, self._cancelled = WAITING, threading.Event()
        self._future: Future[None] | None = None
        self.queue: Queue | None = None

    def note(self, message: str) -> None:
        """Remember what is being done."""
        self.note_text = message

    def start(self, title: str, total: int) -> None:
        """Begin a stretch of work."""
        self.check()
        self.note_text, self._stretch = title, Stretch(title, total)

    def advance(self, steps: int = 1) -> None:
        """Count steps."""
        self.check()
        self.done += steps

    @property
    def total(self) -> int:
        """Return how many steps the stretch has that is being done."""
        return self._stretch.total

    @property
    def done(self) -> int:
        """Return how many of them are done."""
        return self._stretch.done

    @done.setter
    def done(self, steps: int) -> None:
        self._stretch.done = steps

    def check(self) -> None:
        """Go on only while somebody waits.

        Raises:
            Cancelled: nobody does.
        """
        if self._cancelled.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Tell it as cancelled from now on, and let it end at its next step, or never begin."""
        if not self.ended:
            self._cancelled.set()
            if self._future is not None:
                self._future.cancel()

    @property
    def state(self) -> str:
        """Return how it is."""
        return CANCELLED if self._cancelled.is_set() else self._state

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will come."""
        return self.state in (DONE, FAILED, CANCELLED)

    def told(self) -> Mapping[str, Any]:
        """Return what a page shows of it as plain data."""
        left = self._stretch.seconds_left()
        return {
            "id": self.id,
            "title": self.title,
            "state": self.state,
            "note": self.note_text,
            "done": self.done,
            "total": self.total,
            "left": "" if left is None else clock(left),
            "error": self.error,
            "result": self.result if self.state == DONE else None,
        }

    def run(self, work: Callable[[Task], Any]) -> None:
        """Do the work; whatever happens is told by `state`."""
        try:
            self.check()
            self._state = RUNNING
            with interruption.asking(self.check):
                self.result = work(self)
            self.check()
            self._state = DONE
        except Cancelled:
            pass
        except ZooError as error:
            self.error, self._state = for_a_page(str(error)), FAILED
        except Exception:
            logger.exception("The task '%s' failed", self.title)
            self.error, self._state = BUG, FAILED

    def follow(self, queue: Queue, future: Future[None]) -> None:
        """Remember where it waits."""
        self.queue, self._future = queue, future


class Tasks:
    """The tasks of all visitors; each sees only their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: OrderedDict[str, Task] = OrderedDict()

    def start(self, owner: str, title: str, queue: Queue, work: Callable[[Task], Any]) -> Task:
        """Queue work for a visitor; `work` is given the task to tell its progress to.

        Raises:
            Overloaded: too many wait already.
        """
        task = Task(title, owner)
        task.follow(queue, queue.submit(lambda: task.run(work)))
        with self._lock:
            self._tasks[task.id] = task
            ended = [key for key, known in self._tasks.items() if known.ended]
            for key in ended[: max(0, len(self._tasks) - MOST)]:
                del self._tasks[key]
        return task

    def find(self, owner: str, key: str) -> Task:
        """Return a visitor's task.

        Raises:
            UnknownName: there is none, or it is another visitor's.
        """
        task = self._tasks.get(key)
        if task is None or task.owner != owner:
            raise UnknownName("This work is not known any more. Start it again.")
        return task

    def cancel_all(self, owner: str, queue: Queue) -> None:
        """Let all work of a visitor in a queue end."""
        with self._lock:
            known = list(self._tasks.values())
        for task in known:
            if task.owner == owner and task.queue is queue and not task.ended:
                task.cancel()
