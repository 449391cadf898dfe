"""Which part of each picture of a data set a network sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Frames:
    """The box of each picture, by the digest of its content: found once, cut in every epoch.

    A box is `(4,)` float32: top, left, bottom, right as shares of the picture. Its mask is
    `(rows, columns)` float32, 0 to 1: how much of each cell of the box is what was looked for.
    `reading` is height and width that pictures are read at before they are cut. `key` tells these
    boxes from those of another localiser.
    """

    reading: tuple[int, int]
    boxes: Mapping[str, np.ndarray]
    masks: Mapping[str, np.ndarray]
    key: str

    def of(self, digests: Sequence[str]) -> np.ndarray:
        """Return the boxes of some pictures, `(images, 4)`."""
        return np.stack([self.boxes[digest] for digest in digests])

    def only(self, digests: Sequence[str]) -> Frames:
        """Return the frames of some pictures, to be sent to whoever reads no others."""
        return replace(
            self,
            boxes={digest: self.boxes[digest] for digest in digests},
            masks={digest: self.masks[digest] for digest in digests if digest in self.masks},
        )

    def masks_of(self, digests: Sequence[str]) -> np.ndarray:
        """Return the masks of some pictures, `(images, rows, columns, 1)`."""
        return np.stack([self.masks[digest] for digest in digests])[..., None]
