"""What a network answered to labelled images: enough to measure it, and to compare it, later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.base.errors import DamagedRun
from zoo.base.files import replacing
from zoo.base.types import Sample


@dataclass(frozen=True, eq=False)
class Outputs:
    """Logits `(images, classes)` float32 with the label, patient and name of each image.

    `labels` is `(images,)` int, `patients` and `names` are `(images,)` str.
    """

    logits: np.ndarray
    labels: np.ndarray
    patients: np.ndarray
    names: np.ndarray

    def chosen(self, rows: np.ndarray) -> Outputs:
        """Return some of the images, by index or mask."""
        return Outputs(self.logits[rows], self.labels[rows], self.patients[rows], self.names[rows])


def gather(logits: np.ndarray, samples: Sequence[Sample]) -> Outputs:
    """Join logits with what is known of the samples they belong to."""
    return Outputs(
        logits.astype(np.float32),
        np.array([s.label for s in samples], np.int64),
        np.array([s.patient for s in samples], np.str_),
        np.array([s.name for s in samples], np.str_),
    )


def save(path: Path, outputs: Outputs) -> None:
    """Write one .npz file without Python objects."""
    with replacing(path) as temporary:
        np.savez(
            temporary,
            logits=outputs.logits,
            labels=outputs.labels,
            patients=outputs.patients,
            names=outputs.names,
        )


def load(path: Path) -> Outputs:
    """Read what `save` wrote.

    Raises:
        DamagedRun: the file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Outputs(*(arrays[k] for k in ("logits", "labels", "patients", "names")))
    except Exception as error:  # a damaged archive fails in many ways
        raise DamagedRun(
            f"The network's answers '{path}' cannot be read ({error}). Train again."
        ) from error
