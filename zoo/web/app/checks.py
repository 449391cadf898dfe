"""Data sets that are looked at in the background, and what was found, for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.base.errors import UnknownName
from zoo.web.app.shared import Shared
from zoo.web.app.tasks import Task
from zoo.web.service.queue import Queue

MOST = 16
"""Results that are remembered; the oldest makes room."""
WAITING = 4


@dataclass(frozen=True, eq=False)
class Found:
    """What a check found: its result, one line on it, and the page of the report."""

    verdict: str
    result: Mapping[str, Any]
    page: str
    synthetic: bool


class Checks:
    """The checks of all visitors, one at work at a time; each visitor sees only their own."""

    def __init__(self, shared: Shared) -> None:
        self.shared, self.queue = shared, Queue("checking", WAITING)
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Found] = OrderedDict()
        self._started: OrderedDict[str, Task] = OrderedDict()

    def start(self, owner: str, title: str, source: str, other: str | None) -> Task:
        """Queue a check of a data set, and of another one beside it; `title` names it on pages.

        Raises:
            Overloaded: too many wait already.
        """

        def work(task: Task) -> None:
            self._keep(task.id, self._check(source, other, task))

        task = self.shared.tasks.start(owner, title, self.queue, work)
        with self._lock:
            self._started[task.id] = task
            while len(self._started) > 4 * MOST:
                self._started.popitem(last=False)
        return task

    def of(self, owner: str) -> list[Task]:
        """Return a visitor's checks, the newest first."""
        with self._lock:
            started = list(self._started.values())
        return [task for task in reversed(started) if task.owner == owner]

    def found(self, task: Task) -> Found:
        """Return what a check found.

        Raises:
            UnknownName: it was forgotten, or is not done.
        """
        with self._lock:
            result = self._found.get(task.id)
        if result is None:
            raise UnknownName("The result of this check is not here any more. Start it again.")
        return result

    def close(self) -> None:
        """End what is at work at its next step, and drop what waits."""
        with self._lock:
            started = list(self._started.values())
        for task in started:
            task.cancel()
        self.queue.close()

    def _check(self, source: str, other: str | None, task: Task) -> Found:
        task.note("Loading what the check needs")
        from zoo.report.pages.check import check_page, verdict
        from zoo.workflows.check import check

        checked = check(source, other=other, registry=self.shared.library.registry, progress=task)
        task.start("Drawing the report", 1)
        return Found(
            verdict([finding.level for finding in checked.findings]),
            checked.result,
            check_page(checked),
            checked.dataset.synthetic,
        )

    def _keep(self, key: str, result: Found) -> None:
        with self._lock:
            self._found[key] = result
            while len(self._found) > MOST:
                self._found.popitem(last=False)
