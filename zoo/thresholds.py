"""The operating point of a run: the one it keeps, or another chosen on its validation part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import operating, outputs, runs
from zoo.classifier import softmax
from zoo.errors import InvalidSetting
from zoo.runs import Run
from zoo.types import TRAIN, VALIDATION


def operating_point(run: Run, sensitivity: float | None = None) -> Mapping[str, Any] | None:
    """Return the point a run was stored with, or the one that reaches `sensitivity`.

    None with more than two classes: the most probable is taken then.

    Raises:
        InvalidSetting: a sensitivity for more than two classes, or one that is no share.
    """
    stored = run.record["operating_point"]
    if sensitivity is None:
        return stored
    if stored is None:
        raise InvalidSetting(
            f"A sensitivity was given for {len(run.class_names)} classes; a threshold can only "
            "decide between two. Leave it out: the most probable class is then taken."
        )
    validation = outputs.load(run.path / runs.VALIDATION)
    positive = run.record["positive"]
    return operating.choose(
        validation.labels == positive,
        softmax(validation.logits / run.temperature)[:, positive],
        validation.patients,
        sensitivity,
    )


def validation_shares(run: Run) -> list[float]:
    """Return the classes' shares among the validation images."""
    counts = run.record["splits"][VALIDATION]["classes"]
    return [count / sum(counts) for count in counts]


def trained_shares(run: Run) -> list[float]:
    """Return the class shares that the run's probabilities are for.

    Class weights make every class count the same, and the temperature does not undo that.
    """
    if run.record["recipe"]["class_weights"]:
        return [1 / len(run.class_names)] * len(run.class_names)
    counts = run.record["splits"][TRAIN]["classes"]
    return [count / sum(counts) for count in counts]
