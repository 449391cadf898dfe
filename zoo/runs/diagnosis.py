"""What holds a finished run back, read from its own figures, with the evidence for each cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.base.types import TEST, TRAIN, VALIDATION
from zoo.runs.causes import (
    FINE,
    HOLDS_BACK,
    UNKNOWN,
    Cause,
    calibration,
    collapse,
    elsewhere,
    overfitting,
    robustness,
    shift,
    shortcut,
    threshold,
)
from zoo.runs.history import read_history
from zoo.runs.run_folder import HISTORY, Run
from zoo.stats.alarms import Alarm, Conditions

NOTHING = "Nothing in the run's own figures holds it back."


def diagnose(run: Run) -> tuple[Cause, ...]:
    """Judge every cause that a run's figures can show; those that hold it back come first.

    Evaluations on other data count when `zoo evaluate --data` was run before, and changed images
    when `zoo stress` was.

    Raises:
        DamagedRun: the figures of the run cannot be read.

    Example:
        >>> sorted(cause.kind for cause in zoo.diagnose(run))[:4]
        ['calibration', 'collapse', 'other data', 'overfitting']
    """
    measured = run.metrics()
    test = measured[TEST]
    phases = {row["phase"] for row in read_history(run.path / HISTORY)}
    conditions = Conditions(run.record["recipe"], run.record["options"], phases)
    causes = [
        overfitting(measured[TRAIN]["roc_auc"], _area(measured[VALIDATION]), conditions),
        shift(_area(measured[VALIDATION]), _area(test)),
        elsewhere(_area(test), run.scored_elsewhere()),
        robustness(run.under_stress()),
        shortcut(_area(test), test["baselines"], run.record.get("frame", "")),
        collapse(test, conditions),
        calibration(test),
        threshold(test),
    ]
    return tuple(sorted(causes, key=lambda cause: (HOLDS_BACK, UNKNOWN, FINE).index(cause.verdict)))


def held_back(causes: Sequence[Cause]) -> list[Cause]:
    """Return the causes that hold a run back."""
    return [cause for cause in causes if cause.verdict == HOLDS_BACK]


def the_others(causes: Sequence[Cause]) -> str:
    """Name the causes that do not, or of which nothing is known, in one line."""
    kinds = {
        verdict: [cause.kind for cause in causes if cause.verdict == verdict]
        for verdict in (FINE, UNKNOWN)
    }
    return " ".join(
        f"{one.capitalize()}: {', '.join(names)}." for one, names in kinds.items() if names
    )


def untold(alarms: Sequence[Alarm], causes: Sequence[Cause]) -> list[Alarm]:
    """Return the alarms that say something else than what holds the run back."""
    told = {cause.kind for cause in held_back(causes)}
    return [alarm for alarm in alarms if alarm.kind not in told]


def _area(result: Mapping[str, Any]) -> Mapping[str, Any]:
    return result["metrics"]["roc_auc"]
