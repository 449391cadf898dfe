"""The scores of a run in each group of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.data.grouping import Grouping
from zoo.runs.run_folder import Run
from zoo.stats.groups import by_group
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.probabilities import softmax


def scores_by_group(
    run: Run, answers: LabelledLogits, groupings: Sequence[Grouping], threshold: float | None
) -> list[dict[str, Any]]:
    """Score the answers in each group of each grouping, with calibrated probabilities.

    The images of a grouping are those of `answers`, in their order.
    """
    probabilities = softmax(answers.logits / run.temperature)
    return [
        by_group(
            answers.labels,
            probabilities,
            answers.patients,
            grouping.of_image,
            run.class_names,
            run.record["positive"],
            column=grouping.column,
            order=grouping.order,
            threshold=threshold,
            notes=grouping.notes,
        )
        for grouping in groupings
    ]
