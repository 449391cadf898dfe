"""What a network answered to labelled images: enough to measure it, and to compare it, later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.base.array_files import Expected, read_arrays
from zoo.base.errors import DamagedRun
from zoo.base.files import replacing
from zoo.base.types import Sample

ARRAYS = {
    "logits": Expected("f", "images classes"),
    "labels": Expected("iu", "images", low=0),
    "patients": Expected("U", "images"),
    "names": Expected("U", "images"),
}
"""What a file of answers holds."""


@dataclass(frozen=True, eq=False)
class LabelledLogits:
    """Logits `(images, classes)` float32 with the label, patient and name of each image.

    `labels` is `(images,)` int, `patients` and `names` are `(images,)` str.
    """

    logits: np.ndarray
    labels: np.ndarray
    patients: np.ndarray
    names: np.ndarray

    def chosen(self, rows: np.ndarray) -> LabelledLogits:
        """Return some of the images, by index or mask."""
        return LabelledLogits(
            self.logits[rows], self.labels[rows], self.patients[rows], self.names[rows]
        )


def gather(logits: np.ndarray, samples: Sequence[Sample]) -> LabelledLogits:
    """Join logits with what is known of the samples they belong to."""
    return LabelledLogits(
        logits.astype(np.float32),
        np.array([s.label for s in samples], np.int64),
        np.array([s.patient for s in samples], np.str_),
        np.array([s.name for s in samples], np.str_),
    )


def alike(one: LabelledLogits, other: LabelledLogits) -> LabelledLogits:
    """Join two sets of answers; the smaller one is repeated until it counts as much as the other.

    Patients stay who they are, so intervals by patient are not narrower for it.
    """
    few, many = sorted((one, other), key=lambda answers: len(answers.labels))
    times = max(1, round(len(many.labels) / max(1, len(few.labels))))
    return LabelledLogits(
        *(
            np.concatenate([getattr(few, name)] * times + [getattr(many, name)])
            for name in ("logits", "labels", "patients", "names")
        )
    )


def save(path: Path, outputs: LabelledLogits) -> None:
    """Write one .npz file without Python objects."""
    with replacing(path) as temporary:
        np.savez(
            temporary,
            logits=outputs.logits,
            labels=outputs.labels,
            patients=outputs.patients,
            names=outputs.names,
        )


def load(path: Path, classes: int | None = None) -> LabelledLogits:
    """Read what `save` wrote, of so many classes where their number is known.

    Raises:
        DamagedRun: the file is missing or damaged, or its arrays do not fit each other.
    """
    try:
        arrays = read_arrays(path, ARRAYS, classes=classes)
        answers = LabelledLogits(*(arrays[name] for name in ARRAYS))
        if not len(answers.labels):
            raise ValueError("it has no images")
        if (most := answers.labels.max()) >= answers.logits.shape[1]:
            raise ValueError(f"it has the label {most}, which is no class")
    except Exception as error:  # a damaged archive fails in many ways
        raise DamagedRun(
            f"The network's answers '{path}' cannot be read ({error}). Copy the run again, or "
            "train again."
        ) from error
    return answers
