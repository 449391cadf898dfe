"""Part of a picture cut out and brought to a size by two matrix products, as layers of a network.

Row i of the result takes the source position y_i with weights max(0, 1 - |y_i - j| / max(1, scale))
on the source rows j: bilinear where it enlarges, a triangle filter against aliasing where it
reduces, as Pillow's BILINEAR does. Columns likewise. So it has gradients by the pixels, takes
another part for each picture, and is exported wherever matrix products are.

Importing this module registers the layers, which Keras needs before it loads a network with them.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

PACKAGE = "xray_zoo"


def cut(pixels: Any, boxes: Any, size: tuple[int, int]) -> Any:
    """Return the part of each picture that is in its box, `(batch, *size, channels)` float32.

    `pixels` is `(batch, height, width, channels)`, arrays or tensors. `boxes` is `(batch, 4)`: top,
    left, bottom, right as shares of height and width, 0 to 1.
    """
    pixels, boxes = ops.cast(pixels, "float32"), ops.cast(boxes, "float32")
    rows = hats(boxes[:, 0], boxes[:, 2], pixels.shape[1], size[0])
    columns = hats(boxes[:, 1], boxes[:, 3], pixels.shape[2], size[1])
    return _product(columns, _product(rows, pixels))


def hats(start: Any, end: Any, source: int, wanted: int) -> Any:
    """Return the weights `(batch, wanted, source)` that take one axis from `start` to `end`.

    `start` and `end` are `(batch,)`, shares of the axis. Each row of weights adds up to one.
    """
    start, scale = start[:, None], (end - start)[:, None] * (source / wanted)
    centres = start * source + (ops.arange(wanted, dtype="float32") + 0.5) * scale - 0.5
    away = ops.abs(centres[:, :, None] - ops.arange(source, dtype="float32"))
    weights = ops.relu(1 - away / ops.maximum(scale, 1.0)[:, :, None])
    return weights / ops.sum(weights, axis=-1, keepdims=True)


def _product(weights: Any, pixels: Any) -> Any:
    """Apply weights `(batch, wanted, source)` to the first axis, and make it the second one."""
    source, other, channels = pixels.shape[1:]
    flat = ops.matmul(weights, ops.reshape(pixels, (-1, source, other * channels)))
    cut = ops.reshape(flat, (-1, weights.shape[1], other, channels))
    return ops.transpose(cut, (0, 2, 1, 3))


class InFloat32(keras.layers.Layer):
    """A layer without weights that computes in float32 whatever the rest of a network does."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**{"dtype": "float32", "trainable": False, **named})


@keras.saving.register_keras_serializable(PACKAGE)
class Cut(InFloat32):
    """Cuts a picture to its box: `(batch, height, width, channels)` and `(batch, 4)` in, see `cut`.

    `size` is height and width of what it gives.
    """

    def __init__(self, size: tuple[int, int], **named: Any) -> None:
        super().__init__(**named)
        self.size = (int(size[0]), int(size[1]))

    def call(self, pixels: Any, boxes: Any) -> Any:
        """Return the part of each picture in its box."""
        return cut(pixels, boxes, self.size)

    def compute_output_shape(self, pixels_shape: Any, boxes_shape: Any) -> Any:  # noqa: ARG002
        """Return the shape of the part."""
        return (pixels_shape[0], *self.size, pixels_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made from."""
        return {**super().get_config(), "size": list(self.size)}


@keras.saving.register_keras_serializable(PACKAGE)
class Thumbnail(InFloat32):
    """Reduces pictures of 1 or 3 channels to gray ones, `(batch, side, side, 1)`, by the same rule.

    Gray is the mean of the channels: radiographs have the same in all.
    """

    def __init__(self, side: int, **named: Any) -> None:
        super().__init__(**named)
        self.side = int(side)

    def call(self, pixels: Any) -> Any:
        """Return the small gray pictures."""
        gray = ops.mean(ops.cast(pixels, "float32"), axis=-1, keepdims=True)
        return cut(gray, ops.convert_to_tensor([[0.0, 0.0, 1.0, 1.0]]), (self.side, self.side))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the small gray picture."""
        return (input_shape[0], self.side, self.side, 1)

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made from."""
        return {**super().get_config(), "side": self.side}
