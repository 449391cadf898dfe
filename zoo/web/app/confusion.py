"""What a run answered to labelled images, cell by cell of its confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.base.errors import UnknownName
from zoo.base.types import TEST, VALIDATION
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.stats import labelled_logits
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.probabilities import decide, softmax


@dataclass(frozen=True, eq=False)
class ConfusionCells:
    """The answers to one part of a run's data, as decided by the run's own threshold.

    `said` is `(images,)` int, `probabilities` is `(images, classes)`, calibrated. `known` are the
    images' names, labels and patients.
    """

    part: str
    known: LabelledLogits
    said: np.ndarray
    probabilities: np.ndarray

    def confusion(self) -> list[list[int]]:
        """Return the numbers of images, `[true][said]`."""
        classes = self.probabilities.shape[1]
        cells = np.bincount(self.known.labels * classes + self.said, minlength=classes**2)
        return cells.reshape(classes, classes).tolist()

    def cell(self, true: int, said: int) -> np.ndarray:
        """Return the rows of one cell, those first of which the run is surest.

        Raises:
            UnknownName: there is no such cell.
        """
        classes = self.probabilities.shape[1]
        if not (0 <= true < classes and 0 <= said < classes):
            raise UnknownName(f"There is no such cell; the table has {classes} by {classes}.")
        rows = np.flatnonzero((self.known.labels == true) & (self.said == said))
        return rows[np.argsort(-self.probabilities[rows, said], kind="stable")]


def confusion_cells(run: Run, threshold: float | None = None) -> ConfusionCells:
    """Return the answers to the test part, or to validation for a run that vouches only for those.

    That is one whose record has no digest of its answers to the test part: they may be anybody's.
    `threshold` decides in place of the run's own, 0 to 1, where there are two classes.

    Raises:
        DamagedRun: they are missing or damaged.
    """
    part, name = TEST, run_folder.TESTED
    if name not in run.record["files"]:
        part, name = VALIDATION, run_folder.VALIDATION
    known = labelled_logits.load(run_folder.checked(run, name), len(run.class_names))
    probabilities = softmax(known.logits / run.temperature)
    own = run.threshold if threshold is None or run.threshold is None else threshold
    said = decide(probabilities, run.record["positive"], own)
    return ConfusionCells(part, known, said, probabilities)
