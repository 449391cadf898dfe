"""What runs say of a visitor's images: the answer first, then why, then what that is worth."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from zoo.base import interruption
from zoo.base.errors import UnknownName
from zoo.base.explanations import AUTO, Attribution
from zoo.base.file_attributes import acquisition_of
from zoo.base.types import Acquisition
from zoo.interpret.case import Case
from zoo.interpret.choice import serves
from zoo.interpret.interpreter import BUDGET, Interpreter
from zoo.interpret.trust.agreement import agreements, compared
from zoo.runs.run_folder import Run
from zoo.web.app.durations import EXPLAINING, JUDGING, Durations, seconds_of
from zoo.web.app.tasks import Task
from zoo.web.app.visitors import Visitor
from zoo.web.service.engine import Engine
from zoo.web.service.uploads import Upload, as_images

LONGER = 6 * BUDGET
"""Seconds for a map whose verdict did not get ready in time, when somebody asks again."""


@dataclass(eq=False)
class Reading:
    """One run's answer to one image, and the explanations that were added to it.

    `positive` is the class that the operating point is about, `bits` the depth at which the run
    reads a file that does not say its own. `listed`: the page Read shows it.
    `asked` are methods that were asked for by name: their maps are shown whatever they are worth.
    `unable` are methods that need what the network does not have, known from the first map on.
    `acquisition` is what the file says of how its picture was taken.
    """

    case: Case
    positive: int
    bits: int | None = None
    listed: bool = True
    asked: set[str] = field(default_factory=set)
    unable: frozenset[str] = frozenset()
    acquisition: Acquisition = field(default_factory=Acquisition)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def explained(self) -> bool:
        """Tell whether it was explained by any method."""
        return bool(self.case.explanations)

    @property
    def unjudged(self) -> tuple[Attribution, ...]:
        """Return the maps that nobody has judged yet."""
        return tuple(one for one in self.case.attributions if one.method not in self.case.trust)

    @property
    def hurried(self) -> tuple[Attribution, ...]:
        """Return the maps for whose tests the time ran out."""
        trust = self.case.trust
        return tuple(
            one
            for one in self.case.attributions
            if one.method in trust and trust[one.method].hurried
        )

    @property
    def shown(self) -> Case:
        """Return the case without maps that ignore the network, but for those asked for.

        Maps come one after the other; each verdict here knows all that are there by now.
        """
        trust = self.case.trust
        kept = tuple(
            one
            for one in self.case.explanations
            if one.method in self.asked or one.method not in trust or trust[one.method].depends
        )
        alike = agreements([one for one in kept if isinstance(one, Attribution)], self.case.box)
        return replace(self.case, explanations=kept, agreements=alike, trust=compared(trust, alike))

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """Return the methods whose maps are not shown, since they ignore the network, and why."""
        kept = {one.method for one in self.shown.attributions}
        trust = self.case.trust
        return [
            (one.method, trust[one.method].reason)
            for one in self.case.attributions
            if one.method not in kept
        ]

    def add(self, explained: Case) -> None:
        """Add what methods said, in place of what they said before."""
        with self._lock:
            methods = {one.method for one in explained.explanations}
            known = tuple(one for one in self.case.explanations if one.method not in methods)
            self.case = replace(
                self.case,
                explanations=(*known, *explained.explanations),
                summaries={**self.case.summaries, **explained.summaries},
                trust={**self.case.trust, **explained.trust},
                chosen=explained.chosen or self.case.chosen,
                notes=tuple(dict.fromkeys((*self.case.notes, *explained.notes))),
            )


def find_reading(visitor: Visitor, key: str, run: str) -> tuple[Upload, Reading]:
    """Return an image of the visitor and what a run said of it.

    Raises:
        UnknownName: the image was forgotten, or that run was not asked.
    """
    upload = visitor.upload(key)
    reading = visitor.results.get(key, {}).get(run)
    if not isinstance(reading, Reading):
        raise UnknownName("This run has not read the image. Choose the image and the run again.")
    return upload, reading


def depth_of(visitor: Visitor, key: str) -> int | None:
    """Return the depth at which a run has read an image; None while none has."""
    readings = list(visitor.results.get(key, {}).values())
    return next((one.bits for one in readings if isinstance(one, Reading)), None)


def keep_reading(
    visitor: Visitor, key: str, case: Case, run: Run, *, listed: bool = True
) -> Reading:
    """Keep a run's answer with its image, unless that was forgotten meanwhile."""
    upload = visitor.uploads.get(key)
    taken = Acquisition() if upload is None else acquisition_of(upload.content)
    reading = Reading(case, run.record["positive"], run.bits, listed=listed, acquisition=taken)
    visitor.results.get(key, {})[case.run] = reading
    return reading


def explain_reading(
    engine: Engine,
    upload: Upload,
    reading: Reading,
    methods: Sequence[str],
    task: Task,
    durations: Durations,
) -> None:
    """Add what methods say of an image (default: those shown by default), without judging it."""
    if not methods and reading.explained:
        return
    interpreter = engine.interpreter(methods, trust=False)
    asked = [one.name for one in interpreter.explainers]
    with (
        _told(task, _title(methods), _seconds(interpreter)),
        durations.measuring(engine.run.name, EXPLAINING, asked),
    ):
        reading.asked.update(method for method in methods if method != AUTO)
        reading.unable = frozenset(
            name
            for name, one in engine.registry.explainers.items()
            if not serves(one, interpreter.classifier)
        )
        reading.add(interpreter.cases(as_images([upload], engine.run))[0])


def judge_reading(
    engine: Engine,
    upload: Upload,
    reading: Reading,
    methods: Sequence[str],
    task: Task,
    durations: Durations,
) -> None:
    """Judge the maps of these methods that were not judged before (default: of all quick ones).

    A map that was named, and for whose tests the time ran out before, gets more.
    """
    from zoo.interpret.trust.panel import judge_maps

    known = engine.registry.explainers
    again = [one for one in reading.hurried if one.method in methods]
    waiting = again + [
        one
        for one in reading.unjudged
        if one.method in methods or (not methods and seconds_of(known[one.method]) is None)
    ]
    if not waiting:
        return
    asked = [one.method for one in waiting]
    interpreter = engine.interpreter(asked)
    with (
        _told(task, f"judging {', '.join(asked)}", 0),
        durations.measuring(engine.run.name, JUDGING, asked),
    ):
        judged = judge_maps(
            engine.run,
            interpreter.classifier,
            as_images([upload], engine.run),
            [reading.case.predicted],
            [waiting],
            interpreter.explainers,
            interpreter.options,
            interpreter.reference,
            seconds=LONGER if again else BUDGET,
        )
    reading.add(replace(reading.case, explanations=(), trust=judged[0]))


@contextmanager
def _told(task: Task, title: str, seconds: float) -> Iterator[None]:
    """Tell a task how far the work is, by the clock where a method has one."""
    task.start(title, round(seconds))
    begun = time.monotonic()

    def ask() -> None:
        task.done = min(task.total, int(time.monotonic() - begun))

    with interruption.asking(ask):
        yield


def _title(methods: Sequence[str]) -> str:
    return f"explaining with {', '.join(methods)}" if methods else "explaining"


def _seconds(interpreter: Interpreter) -> float:
    return sum(seconds_of(explainer) or 0.0 for explainer in interpreter.explainers)
