"""The box around what a localiser found, as a layer: robust to specks, and refused where it is odd.

Importing this module registers the layer, which Keras needs before it loads a network with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.network.cutting import InFloat32
from zoo.network.graph import PACKAGE

MARGIN = 0.04
"""Share of the box's height and width that is added on every side."""
NEARLY_WHOLE = 1 - 1e-6
"""The furthest edge of a box that was found: that of nothing found is the whole picture."""
SPECK = 5
"""Cells: what holds no square of this side is no part of what is looked for."""
GROWING = 12
"""Steps of one cell from the squares into the corners of a mask."""
DESCRIPTION = ("area", "height", "width", "fill", "down", "across", "balance", "core", "certainty")
"""Names of what is measured of a mask and its box, each 0 to 1.

Share of the picture in the mask; height and width of the box; share of the box in the mask; where
the middle of the box is, from the top and from the left; share of the mask in the left half of the
box; share of the box's middle tenth, from left to right, in the mask (little between two lungs,
much in a single one); mean probability inside the mask.
"""
ANY = ((0.0, 1.0),) * len(DESCRIPTION)
"""Limits within which everything is plausible."""


def described(logits: Any) -> tuple[Any, Any]:
    """Return the boxes without margin `(batch, 4)` and their descriptions `(batch, 9)`.

    `logits` is `(batch, rows, columns, 1)`. Parts of the mask too small to hold a square of `SPECK`
    cells are left out (opening by reconstruction; Vincent, Morphological Grayscale Reconstruction,
    1993). An edge is where the largest value in a row or column passes one half, within a cell as
    the value tells. An empty mask gives the whole picture, with area 0.
    """
    probability = ops.sigmoid(ops.cast(logits, "float32"))
    mask = _without_specks(probability)[..., 0]
    top, bottom = _edges(ops.max(mask, axis=2))
    left, right = _edges(ops.max(mask, axis=1))
    height, width = (ops.maximum(v, 1e-3) for v in (bottom - top, right - left))
    area, some = ops.mean(mask, axis=(1, 2)), ops.sum(mask, axis=(1, 2))
    columns, across = ops.sum(mask, axis=1), (left + right) / 2
    on_the_left = ops.sum(columns * _covered(left, across, mask.shape[2]), axis=1)
    middle = _covered(across - width / 20, across + width / 20, mask.shape[2])
    core = ops.sum(columns * middle, axis=1) / (height * mask.shape[1] * ops.sum(middle, axis=1))
    found = (
        area,
        height,
        width,
        area / (height * width),
        (top + bottom) / 2,
        across,
        on_the_left / ops.maximum(some, 1e-3),
        core,
        ops.sum(mask * probability[..., 0], axis=(1, 2)) / ops.maximum(some, 1e-3),
    )
    return ops.stack([top, left, bottom, right], axis=1), ops.stack(found, axis=1)


def _covered(start: Any, end: Any, cells: int) -> Any:
    """Return which share of each cell lies from `start` to `end`, `(batch, cells)`."""
    place = ops.arange(cells, dtype="float32")
    first, last = start[:, None] * cells, end[:, None] * cells
    return ops.relu(ops.minimum(last, place + 1) - ops.maximum(first, place))


def _without_specks(mask: Any) -> Any:
    """Keep what a square of `SPECK` cells fits into, whole, and nothing else."""
    seeds = -_grown(-mask, SPECK)
    kept = ops.minimum(_grown(seeds, SPECK), mask)
    for _ in range(GROWING):
        kept = ops.minimum(_grown(kept, 3), mask)
    return _hard(kept)


def _grown(mask: Any, cells: int) -> Any:
    return ops.max_pool(mask, cells, 1, "same")


def _hard(values: Any) -> Any:
    """Bring what is nearly in to 1 and what is nearly out to 0: a faint haze has no edge."""
    return ops.clip(2 * values - 0.5, 0.0, 1.0)


def _edges(profile: Any) -> tuple[Any, Any]:
    """Return the first and the last edge of `(batch, cells)`, 0 to 1; 0 and 1 of an empty one."""
    cells = profile.shape[1]
    upto = ops.convert_to_tensor(np.tri(cells, dtype=np.float32))
    # The largest value up to each cell, from either side.
    before = ops.max(profile[:, None, :] * upto, axis=2)
    after = ops.max(profile[:, None, :] * ops.transpose(upto), axis=2)
    some = ops.max(profile, axis=1)
    first = ops.sum(1 - before, axis=1) / cells
    last = ops.sum(1 - after, axis=1) / cells
    return first * some, 1 - last * some


@keras.saving.register_keras_serializable(PACKAGE)
class FindBox(InFloat32):
    """Finds the box around a mask: logits `(batch, rows, columns, 1)` in, boxes `(batch, 4)` out.

    A box is top, left, bottom, right as shares of the picture, with a margin. Where a description
    (see `DESCRIPTION`) is outside its `limits`, two values for each, the box is the whole picture:
    a wrong box would hide what matters. No gradient passes.
    """

    def __init__(self, limits: Sequence[Sequence[float]] = ANY, **named: Any) -> None:
        super().__init__(**named)
        self.limits = [[float(low), float(high)] for low, high in limits]

    def call(self, logits: Any) -> Any:
        """Return the boxes."""
        boxes, found = described(logits)
        low, high = np.array(self.limits, np.float32).T
        within = ops.logical_and(found >= low, found <= high)
        within = ops.logical_and(within, found[:, :1] > 0)
        plausible = ops.min(ops.cast(within, "float32"), axis=1, keepdims=True)
        sides = boxes[:, 2:] - boxes[:, :2]
        margin = MARGIN * ops.concatenate([-sides, sides], axis=1)
        boxes = ops.clip(boxes + margin, 0.0, NEARLY_WHOLE)
        whole = ops.convert_to_tensor([[0.0, 0.0, 1.0, 1.0]])
        return ops.stop_gradient(plausible * boxes + (1 - plausible) * whole)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the boxes."""
        return (input_shape[0], 4)

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made from."""
        return {**super().get_config(), "limits": self.limits}


class Plausibility(InFloat32):
    """Tells how far inside its `limits` a mask's description is, `(batch,)`; below 0 it is outside.

    Takes logits as `FindBox` does; of the values of a description that nearest to a limit counts.
    """

    def __init__(self, limits: Sequence[Sequence[float]], **named: Any) -> None:
        super().__init__(**named)
        low, high = np.array(limits, np.float32).T
        # Nothing is below 0 or above 1, so these are no limits.
        self.limits = np.where(low > 0, low, -1), np.where(high < 1, high, 2)

    def call(self, logits: Any) -> Any:
        """Return the distances."""
        _, found = described(logits)
        low, high = self.limits
        return ops.min(ops.minimum(found - low, high - found), axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the distances."""
        return (input_shape[0],)
