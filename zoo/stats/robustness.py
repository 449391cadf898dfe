"""How far the scores of a network fall when the same images are changed.

A fall is the score on the images as they are less that on the changed ones. Both are of the same
images, so that its interval is that of a paired difference, and narrower than the two scores' own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.stats.delong import Statistic, difference
from zoo.stats.metrics import statistics

FIGURES = ("sensitivity", "specificity", "balanced_accuracy", "roc_auc")
FALL = 0.1
"""Fall of the balanced accuracy above which a change is one that the network does not bear."""


def figures(
    labels: np.ndarray,
    probabilities: np.ndarray,
    predicted: np.ndarray,
    positive: int,
    patients: np.ndarray,
) -> dict[str, Statistic]:
    """Measure FIGURES; arguments and meaning as `zoo.stats.metrics.statistics`."""
    measured = statistics(labels, probabilities, predicted, positive, patients)
    return {name: measured[name] for name in FIGURES}


def scores(measured: Mapping[str, Statistic], patients: np.ndarray) -> dict[str, Any]:
    """Return {value, low, high} of each figure, with 95 % intervals by patient."""
    return {name: figure.within(patients) for name, figure in measured.items()}


def falls(
    before: Mapping[str, Statistic], after: Mapping[str, Statistic], patients: np.ndarray
) -> dict[str, Any]:
    """Return {value, low, high, p} of each figure's fall; positive where the change does harm."""
    return {
        name: difference(
            clean.value, clean.influence, after[name].value, after[name].influence, patients
        ).to_record()
        for name, clean in before.items()
    }


def worst_first(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Order the rows of a stress test by the fall of balanced accuracy; without undefined ones."""
    known = [row for row in rows if _fall(row)["value"] is not None]
    return sorted(known, key=lambda row: -_fall(row)["value"])


def not_borne(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows whose balanced accuracy falls by more than FALL, beyond chance; worst first.

    Where the network calls every changed image the same no patient moves the fall: it has no
    interval, and counts.
    """
    return [
        row
        for row in worst_first(rows)
        if _fall(row)["value"] > FALL and (_fall(row)["low"] is None or _fall(row)["low"] > 0)
    ]


def worst_test(
    tests: Mapping[str, Mapping[str, Any]],
) -> tuple[str, Mapping[str, Any], int] | None:
    """Return the name of the worst of stress tests, its worst row and how many are not borne.

    None where balanced accuracy is defined in none of them.
    """
    worst: tuple[str, Mapping[str, Any], int] | None = None
    for name, result in tests.items():
        failed = not_borne(result["rows"])
        row = next(iter(failed or worst_first(result["rows"])), None)
        if row is not None and (
            worst is None or _badness(row, failed) > _badness(worst[1], worst[2])
        ):
            worst = name, row, len(failed)
    return worst


def named(row: Mapping[str, Any]) -> str:
    """Name a row in a sentence, as in 'noise (strong, 16 gray levels)'."""
    return f"{row['stress']} ({row['level']}, {row['text']})"


def _badness(row: Mapping[str, Any], failed: object) -> tuple[bool, float]:
    return bool(failed), _fall(row)["value"]


def _fall(row: Mapping[str, Any]) -> Mapping[str, Any]:
    fall: Mapping[str, Any] = row["fall"]["balanced_accuracy"]
    return fall
