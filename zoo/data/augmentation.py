"""Random views of images: one affine map and one change of exposure, drawn by seed.

What is drawn depends only on the preset, the seed, the round (an epoch or a view) and the content
of the image, so a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Preset:
    """Largest changes, each drawn uniformly: degrees, shares of the image side, and factors."""

    rotation: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0


PRESETS = {
    "none": Preset(),
    # The heart is on the left: a mirrored chest is another anatomy, so this one has no flip.
    "chest": Preset(rotation=7, zoom=0.10, shift=0.05, shear=0.05, brightness=0.10, contrast=0.15),
    "document": Preset(rotation=10, zoom=0.15, shift=0.20, shear=0.15, flip=True),
}

COLUMNS = 10  # eight of the projective transform, then gain and offset


def draw(
    preset: str, seed: int, round_: int, digests: Sequence[str], size: tuple[int, int]
) -> np.ndarray:
    """Draw one view for each image: `(images, 10)` float32 for `apply`."""
    chosen = PRESETS[preset]
    views = np.zeros((len(digests), COLUMNS), np.float32)
    for row, digest in enumerate(digests):
        random = np.random.default_rng([seed, round_, int(digest, 16)])
        views[row] = _view(chosen, random.uniform(-1, 1, 9), size)
    return views


def _view(preset: Preset, u: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    angle, slant = np.deg2rad(preset.rotation) * u[0], preset.shear * u[1]
    zoom_x, zoom_y = 1 + preset.zoom * u[2], 1 + preset.zoom * u[3]
    flip = -1.0 if preset.flip and u[4] > 0 else 1.0
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = rotation @ np.array([[1.0, slant], [0.0, 1.0]]) @ np.diag([zoom_x * flip, zoom_y])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = preset.shift * np.array([width * u[5], height * u[6]])
    # Maps a pixel of the view to where in the image it comes from, about the centre.
    offset = centre - linear @ centre + shift
    gain, bias = 1 + preset.contrast * u[7], 255 * preset.brightness * u[8]
    return np.array([*linear[0], offset[0], *linear[1], offset[1], 0, 0, gain, bias])


def apply(pixels: Any, views: Any) -> Any:
    """Give each image its view: `(batch, height, width, channels)` 0-255 float32 tensor.

    Outside the image the nearest pixel is repeated. Exposure changes about mid-gray.
    """
    import tensorflow as tf

    pixels = tf.cast(pixels, tf.float32)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels,
        transforms=views[:, :8],
        output_shape=tf.shape(pixels)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    gain, bias = views[:, 8, None, None, None], views[:, 9, None, None, None]
    return tf.clip_by_value((moved - 127.5) * gain + 127.5 + bias, 0.0, 255.0)
