"""An image seen through a mask: which cells are left decides what the network says."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from zoo import Classifier

MOST_CELLS = 56
"""Cells a side: 4 x 4 pixels each at 224, finer than a few thousand evaluations ever get."""


class LogOdds:
    """The target's log-odds against all other classes as a function of the visible cells.

    The logit alone would not do: softmax ignores what all logits have in common. `most` bounds the
    rows and columns of cells. The classifier sees all of the image: that inside a frame.
    """

    def __init__(
        self,
        classifier: Classifier,
        image: np.ndarray,
        baseline: np.ndarray,
        target: int,
        most: tuple[int, int] = (MOST_CELLS, MOST_CELLS),
    ) -> None:
        self.classifier, self.image, self.baseline = classifier, image, baseline
        self.target = target
        self.evaluations = 0
        height, width = image.shape[:2]
        self.cells = (min(height, most[0]), min(width, most[1]))
        self._rows, self._columns = (
            cells_of(length, 0.0, 1.0, count)
            for length, count in zip((height, width), self.cells, strict=True)
        )

    def __call__(self, visible: np.ndarray) -> np.ndarray:
        """Return `(batch,)` log-odds; where `(batch, rows, columns, 1)` is 0 the baseline shows."""
        import numpy as np

        shown = visible[:, self._rows][:, :, self._columns] > 0
        return self._of(np.where(shown, self.image, self.baseline))

    def blended(self, shares: np.ndarray) -> np.ndarray:
        """Return `(batch,)` log-odds; `(batch, height, width)`, 0 to 1, is the image's share."""
        import numpy as np

        baseline = self.baseline.astype(np.float32)
        parts = shares.astype(np.float32)[..., None] * (self.image - baseline)
        return self._of(parts + baseline)

    @cached_property
    def whole(self) -> float:
        """Return the log-odds of the image as it is."""
        return float(self._of(self.image[None])[0])

    def _of(self, pictures: np.ndarray) -> np.ndarray:
        import numpy as np
        from scipy.special import logsumexp

        logits = self.classifier.logits(pictures).astype(np.float64)
        self.evaluations += len(pictures)
        others = np.delete(logits, self.target, axis=1)
        return logits[:, self.target] - logsumexp(others, axis=1)


def cells_of(length: int, start: float, end: float, count: int) -> np.ndarray:
    """Return `(length,)`: the cell of each pixel, -1 outside; cells lie from `start` to `end`.

    Both are shares of the length. Where there are at least as many pixels as cells, none is empty.
    """
    import numpy as np

    share = ((np.arange(length) + 0.5) / length - start) / (end - start)
    return np.where((share >= 0) & (share < 1), np.floor(share * count), -1).astype(int)


def shared_out(values: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Share each cell's value evenly among its pixels, so that the sum stays what it is.

    `values` is `(rows, columns)`, of cells of the `box`: top, left, bottom, right as shares of the
    picture, which has `size = (height, width)`, as what is returned has.
    """
    import numpy as np

    rows = cells_of(size[0], float(box[0]), float(box[2]), values.shape[0])
    columns = cells_of(size[1], float(box[1]), float(box[3]), values.shape[1])
    inside = np.ix_(rows >= 0, columns >= 0)
    rows, columns = rows[rows >= 0], columns[columns >= 0]
    pixels = np.outer(
        np.bincount(rows, minlength=values.shape[0]),
        np.bincount(columns, minlength=values.shape[1]),
    )
    shared = np.zeros(size)
    shared[inside] = (values / np.maximum(pixels, 1))[np.ix_(rows, columns)]
    return shared
