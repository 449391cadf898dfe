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

    The logit alone would not do: softmax ignores what all logits have in common.
    """

    def __init__(
        self, classifier: Classifier, image: np.ndarray, baseline: np.ndarray, target: int
    ) -> None:
        import numpy as np

        self.classifier, self.image, self.baseline = classifier, image, baseline
        self.target = target
        self.evaluations = 0
        self._box = classifier.boxes(image[None])
        height, width = image.shape[:2]
        self.cells = (min(height, MOST_CELLS), min(width, MOST_CELLS))
        self._rows = np.arange(height) * self.cells[0] // height
        self._columns = np.arange(width) * self.cells[1] // width

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

        boxes = self._box.repeat(len(pictures), axis=0)
        logits = self.classifier.logits(pictures, boxes)
        self.evaluations += len(pictures)
        logits = logits.astype(np.float64)
        others = np.delete(logits, self.target, axis=1)
        return logits[:, self.target] - logsumexp(others, axis=1)

    def to_pixels(self, values: np.ndarray) -> np.ndarray:
        """Share each cell's value evenly among its pixels; return `(height, width)`."""
        import numpy as np

        area = np.outer(np.bincount(self._rows), np.bincount(self._columns))
        return (values / area)[self._rows][:, self._columns]
