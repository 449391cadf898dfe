"""What is reached on some images without looking at the lungs, by what was fitted with a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.base.progress import Progress
from zoo.base.types import Dataset, Sample
from zoo.data import baseline_inputs, baselines
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.stats.labelled_logits import LabelledLogits


def run_baselines(
    run: Run,
    dataset: Dataset,
    samples: Sequence[Sample],
    answers: LabelledLogits,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Return the ROC-AUC of each baseline of a run on the samples that `answers` are of.

    Raises:
        DamagedRun: the file of its baselines is missing or damaged.
    """
    return baselines.score_baselines(
        baselines.load(run.path / run_folder.BASELINES),
        baseline_inputs.baseline_inputs(dataset, samples, progress=progress),
        baselines.asked(answers.labels, run.record["positive"], len(run.class_names)),
        answers.patients,
    )
