"""How long explaining an image takes, told before it is asked for: by what was measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from zoo.base.explanations import Explainer
from zoo.interpret.choice import audits_of, options_of
from zoo.interpret.interpreter import BUDGET
from zoo.interpret.trust import kept
from zoo.runs.run_folder import Run

SECONDS = "budget"
"""The option by which a slow method is told how many seconds it may take."""
EXPLAINING, JUDGING = "explaining", "judging"
MINUTE = 60


class Durations:
    """Seconds that methods took here for an image, by run; the last measurement counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[tuple[str, str, str], float] = {}

    @contextmanager
    def measuring(self, run: str, what: str, methods: Sequence[str]) -> Iterator[None]:
        """Share the time that a piece of work takes out among its methods, if it is done."""
        begun = time.monotonic()
        yield
        each = (time.monotonic() - begun) / max(1, len(methods))
        with self._lock:
            self._taken.update({(run, what, method): each for method in methods})

    def taken(self, run: str, what: str, method: str) -> float | None:
        """Return what was measured here, in seconds; None where nothing was."""
        return self._taken.get((run, what, method))

    def explaining(self, run: Run, explainer: Explainer) -> float | None:
        """Return the seconds of a method for an image: as measured here or by the run's audit.

        A slow method that was never measured takes what it may; None for a quick one.
        """
        if (here := self.taken(run.name, EXPLAINING, explainer.name)) is not None:
            return here
        for _, audit in audits_of(run):
            for one in audit["standings"]:
                if one["name"] == explainer.name and one["seconds"] is not None:
                    return float(one["seconds"])
        return seconds_of(explainer)

    def judging(self, run: Run, explainer: Explainer) -> float | None:
        """Return the seconds of the verdict on a method's map; None where it was never measured."""
        return self.taken(run.name, JUDGING, explainer.name)

    def text(self, run: Run, explainer: Explainer) -> str:
        """Say how long a method takes with its verdict, before it is asked for."""
        explaining = self.explaining(run, explainer)
        judging = self.judging(run, explainer)
        if explaining is not None and judging is not None:
            return f"about {clock_text(explaining + judging)} with its verdict"
        told = "a few seconds" if explaining is None else f"about {clock_text(explaining)}"
        return f"{told}, {self.verdict_text(run, explainer)}"

    def verdict_text(self, run: Run, explainer: Explainer) -> str:
        """Say how long the verdict on a map of a method takes, before it is asked for."""
        judging = self.judging(run, explainer)
        if judging is not None:
            return f"its verdict about {clock_text(judging)}"
        if known(run, explainer):
            return f"its verdict up to {clock_text(BUDGET)}"
        return "its first verdict up to a minute"


def known(run: Run, explainer: Explainer) -> bool:
    """Tell whether the run's folder holds how the method fares on shuffled networks."""
    return kept.is_known(run, explainer, options_of([explainer], {})[explainer.name])


def seconds_of(explainer: Explainer) -> float | None:
    """Return the seconds that a slow method may take for an image; None for a quick one."""
    option = explainer.options.get(SECONDS)
    return None if option is None else float(option.default)


def clock_text(seconds: float) -> str:
    """Write seconds as a person says them: 1 s, 40 s, 3 min."""
    if seconds < MINUTE:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / MINUTE)} min"
