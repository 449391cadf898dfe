"""Whether some work survives what goes wrong: how it ends, and what comes of doing it again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from injected import DELAYED, KILLED, Ended, Fault, Zygote

PARTIAL = ".partial-"
DONE, FOUND = 0, 1
"""Codes of a command that ended well, and of `zoo check` where it found an error in the data."""


@dataclass
class Work:
    """Some work, begun in a copy of the folder `start`.

    `begin` does it with a fault at a point, `again` does what a user would do afterwards, and
    `results` returns what came of it, times left out. `may_differ` tells whether a call that ended
    well said why its results are others. Files below `whole` are those of the start or of the end.
    """

    zygote: Zygote
    start: Path
    begin: Callable[[Fault, int], Ended]
    again: Callable[[], Ended]
    results: Callable[[Path], Mapping[str, Any]]
    may_differ: Callable[[Ended], bool] = lambda _: False
    whole: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    expected: Mapping[str, Any] = field(default_factory=dict)

    def measure(self, undisturbed: Fault) -> None:
        """Do the work without a fault: count the calls, and keep what comes of it."""
        self._reset()
        ended = self.begin(undisturbed, 0)
        assert ended.code == 0, ended.said
        self.counts, self.expected = ended.counts, self.results(self.zygote.work)
        assert self.expected

    def attempt(self, fault: Fault, at: int) -> str:
        """Do the work with a fault, then again; return what was lost, or nothing."""
        self._reset()
        ended = self.begin(fault, at)
        problems = [*self._end(fault, ended), *self._halves()]
        if problems or ended.code != 0 or self.may_differ(ended):
            again = self.again()
            if again.code != 0:
                problems.append(f"a second time it ended with {again.code}: {again.said[-900:]}")
            problems += [f"a second time {told}" for told in self._different()]
            if fault.action == KILLED:
                problems += self._left()
        place = ended.hit.replace(str(self.zygote.work), ".").strip() or "nothing"
        return f"call {at}, {place}: {'; '.join(problems)}" if problems else ""

    def _reset(self) -> None:
        shutil.rmtree(self.zygote.work, ignore_errors=True)
        shutil.copytree(self.start, self.zygote.work)

    def _end(self, fault: Fault, ended: Ended) -> list[str]:
        if not ended.hit:
            return []  # threads make other calls now and then; it ended as it does without a fault
        if "Traceback (most recent call last)" in ended.said:
            return [f"it ended with {ended.code} and a traceback: {ended.said[-900:]}"]
        if ended.code in (DONE, FOUND) and self.may_differ(ended):
            return []
        if ended.code == DONE:
            return self._different()
        if fault.action == KILLED:
            return [] if ended.code == -9 else [f"it was not killed, but ended with {ended.code}"]
        if fault.action == DELAYED or ended.code != 2 or ended.said.count("Error: ") != 1:
            return [f"it ended with {ended.code}: {ended.said[-900:]}"]
        return []

    def _different(self) -> list[str]:
        found = self.results(self.zygote.work)
        names = sorted(found.keys() | self.expected.keys())
        wrong = [n for n in names if found.get(n) != self.expected.get(n)]
        states = {True: "differs", False: "is missing"}
        return [f"'{name}' {states[name in found]}" for name in wrong]

    def _halves(self) -> list[str]:
        if self.whole is None:
            return []
        before, now = self.start / self.whole, self.zygote.work / self.whole
        found = [p.relative_to(now) for p in sorted(now.rglob("*")) if p.is_file()]
        return [
            f"'{name}' is half written"
            for name in found
            if not is_partial(name)
            and (now / name).read_bytes() != self.expected.get(f"{self.whole}/{name}")
            and not ((before / name).is_file() and _same(now / name, before / name))
        ]

    def _left(self) -> list[str]:
        left = [p for p in self.zygote.work.rglob("*") if p.is_file() and is_partial(p)]
        return [f"'{path.relative_to(self.zygote.work)}' was never removed" for path in left]


def is_partial(path: Path) -> bool:
    """Tell whether a file, or a folder that it is in, is one that is still being written."""
    return any(part.startswith(PARTIAL) for part in path.parts)


def _same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()
