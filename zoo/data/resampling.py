"""Part of a picture cut out and brought to a size by two matrix products.

Row i of the result takes the source position y_i with weights max(0, 1 - |y_i - j| / max(1, scale))
on the source rows j: bilinear where it enlarges, a triangle filter against aliasing where it
reduces, as Pillow's BILINEAR does. Columns likewise. So it has gradients by the pixels, takes
another part for each picture, and is exported wherever matrix products are.
"""

from __future__ import annotations

from typing import Any


def cut(pixels: Any, boxes: Any, size: tuple[int, int], detail: Any = None) -> Any:
    """Return the part of each picture that is in its box, `(batch, *size, channels)` float32.

    `pixels` is `(batch, height, width, channels)`, arrays or tensors. `boxes` is `(batch, 4)`: top,
    left, bottom, right as shares of height and width, 0 to 1. `detail` is `(batch,)`: how many rows
    and columns of detail the part keeps at most (default: as many as it has).
    """
    from keras import ops

    pixels, boxes = ops.cast(pixels, "float32"), ops.cast(boxes, "float32")
    rows = hats(boxes[:, 0], boxes[:, 2], pixels.shape[1], size[0], detail)
    columns = hats(boxes[:, 1], boxes[:, 3], pixels.shape[2], size[1], detail)
    return _product(columns, _product(rows, pixels))


def hats(start: Any, end: Any, source: int, wanted: int, detail: Any = None) -> Any:
    """Return the weights `(batch, wanted, source)` that take one axis from `start` to `end`.

    `start` and `end` are `(batch,)`, shares of the axis; `detail` as for `cut`. Each row of weights
    adds up to one.
    """
    from keras import ops

    extent = (end - start)[:, None] * source
    scale = extent / wanted
    centres = start[:, None] * source + (ops.arange(wanted, dtype="float32") + 0.5) * scale - 0.5
    away = ops.abs(centres[:, :, None] - ops.arange(source, dtype="float32"))
    reach = ops.maximum(scale, 1.0)
    if detail is not None:
        reach = ops.maximum(reach, extent / ops.cast(detail, "float32")[:, None])
    weights = ops.relu(1 - away / reach[:, :, None])
    return weights / ops.sum(weights, axis=-1, keepdims=True)


def _product(weights: Any, pixels: Any) -> Any:
    """Apply weights `(batch, wanted, source)` to the first axis, and make it the second one."""
    from keras import ops

    source, other, channels = pixels.shape[1:]
    flat = ops.matmul(weights, ops.reshape(pixels, (-1, source, other * channels)))
    part = ops.reshape(flat, (-1, weights.shape[1], other, channels))
    return ops.transpose(part, (0, 2, 1, 3))
