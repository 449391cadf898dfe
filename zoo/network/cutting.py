"""Cutting a part out of a picture (`zoo.data.resampling`) as layers of a network.

Importing this module registers the layers, which Keras needs before it loads a network with them.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.data.resampling import cut
from zoo.network.graph import PACKAGE


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
class Part(InFloat32):
    """Cuts the same part out of every picture, by the same rule: `(batch, *size, channels)`.

    `box` is top, left, bottom, right as shares of the picture.
    """

    def __init__(
        self, box: tuple[float, float, float, float], size: tuple[int, int], **named: Any
    ) -> None:
        super().__init__(**named)
        self.box, self.size = tuple(map(float, box)), (int(size[0]), int(size[1]))

    def call(self, pixels: Any) -> Any:
        """Return the part."""
        return cut(pixels, ops.convert_to_tensor([self.box], "float32"), self.size)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the part."""
        return (input_shape[0], *self.size, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made from."""
        return {**super().get_config(), "box": list(self.box), "size": list(self.size)}


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
