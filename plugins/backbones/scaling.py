"""What pixels are made into before a backbone sees them, as each was trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's channels from 0 to 1."""
BLUE_GREEN_RED = (103.939, 116.779, 123.68)
"""Of ImageNet's channels from 0 to 255."""

INSIDE = "inside"
"""The backbone brings its own scaling with it."""
SCALES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "tf": ((1 / 127.5,) * 3, (-1.0,) * 3),
    "torch": (
        tuple(1 / (255 * deviation) for deviation in DEVIATION),
        tuple(-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)),
    ),
    "caffe": ((1.0,) * 3, tuple(-mean for mean in BLUE_GREEN_RED)),
    "caffe-255": ((1 / 255,) * 3, tuple(-mean / 255 for mean in BLUE_GREEN_RED)),
    "xrv": ((2048 / 255,) * 3, (-1024.0,) * 3),
}
"""By the names that Keras has for them: 'tf' is -1 to 1, 'torch' standardised by the channels of
ImageNet, 'caffe' blue, green, red less its means; 'caffe-255' is the same over 255, 'xrv' -1024 to
1024."""


def scaled(rgb: Any, scale: str) -> Any:
    """Return `(batch, height, width, 3)` of RGB from 0 to 255 as a backbone expects it."""
    import keras

    if scale == INSIDE:
        return rgb
    if scale.startswith("caffe"):
        rgb = keras.ops.take(rgb, [2, 1, 0], axis=-1)
    return rescaled(rgb, *SCALES[scale])


def rescaled(rgb: Any, factors: Sequence[float], offsets: Sequence[float]) -> Any:
    """Return `(batch, height, width, 3)` multiplied by a factor a channel, and its offset added."""
    import keras

    return keras.layers.Rescaling(list(factors), list(offsets), name="pixels_scaled")(rgb)
