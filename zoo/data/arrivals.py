"""Images that come into a folder, given when they are whole.

The folder is looked through again and again. What the system could tell of changes does not reach
over a network's file systems, where such folders usually lie, nor does it say that a file is whole.
A file is taken when neither its size nor its time has changed for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from zoo.base.pictures import image_files

SETTLED = 2.0
"""Seconds without a change after which a file is tried."""
PATIENCE = 30.0
"""Seconds without a change after which one that cannot be read is broken, not unfinished."""

Stamp = tuple[int, int]
"""Bytes and time of the last change, in nanoseconds."""


@dataclass(frozen=True)
class Arrival:
    """A file that may be whole: its name below the folder, and how it was when it was seen.

    `final`: it will not be tried again, whatever comes of it.
    """

    name: str
    path: Path
    stamp: Stamp
    final: bool


@dataclass
class _Waiting:
    stamp: Stamp
    since: float
    tried: bool = False


class ArrivingImages:
    """The images of a folder and below it that were not done yet.

    `done` are those that need not be given, as they were then: one that has changed is given again.
    What is gone from the folder is forgotten.
    """

    def __init__(
        self,
        folder: Path,
        done: Mapping[str, Stamp] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self._clock = folder, clock
        self._done = dict(done or {})
        self._waiting: dict[str, _Waiting] = {}

    @property
    def waiting(self) -> int:
        """Return how many files were seen and are not done."""
        return len(self._waiting)

    def look(self) -> list[Arrival]:
        """Look through the folder, and return what may be whole, the oldest change first.

        Raises:
            BadInput: the folder cannot be listed.
        """
        now, there = self._clock(), self._stamps()
        self._done = {name: stamp for name, stamp in self._done.items() if name in there}
        self._waiting = {name: one for name, one in self._waiting.items() if name in there}
        found = []
        for name, stamp in there.items():
            if self._done.get(name) == stamp:
                continue
            waiting = self._waiting.get(name)
            if waiting is None or waiting.stamp != stamp:
                self._waiting[name] = _Waiting(stamp, now)
                continue
            still = now - waiting.since
            if still >= (PATIENCE if waiting.tried else SETTLED):
                waiting.tried = True
                found.append(Arrival(name, self.folder / name, stamp, still >= PATIENCE))
        return sorted(found, key=lambda one: (one.stamp[1], one.name))

    def finish(self, arrival: Arrival) -> None:
        """Note that a file is done, as it was when it was given."""
        self._done[arrival.name] = arrival.stamp
        self._waiting.pop(arrival.name, None)

    def _stamps(self) -> dict[str, Stamp]:
        stamps = {}
        for name in image_files.walk(self.folder).names:
            try:
                status = (self.folder / name).stat()
            except OSError:
                continue  # taken away meanwhile
            stamps[name] = status.st_size, status.st_mtime_ns
        return stamps
