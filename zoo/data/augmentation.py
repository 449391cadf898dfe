"""Random views of images, drawn by seed: another crop, place, exposure and quality of file.

What is drawn depends only on the preset, the seed, the round (an epoch or a view) and the content
of the image, so a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from zoo.data import resampling

BEST_QUALITY = 100
NOTHING = (2.0, 6.0)
"""Rows and columns of detail in which no lung can be seen any more."""


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
    crop: float = 0.0
    """Share of height and of width, each on its own, that may be missing."""
    gamma: float = 0.0
    """Natural logarithm of the exponent, to either side."""
    detail: tuple[int, int] | None = None
    """Fewest and most rows and columns of detail that are left."""
    sharpness: float = 0.0
    """Times the difference from the local mean that is taken away or added."""
    noise: float = 0.0
    """Standard deviation in gray levels."""
    quality: int = BEST_QUALITY
    """Worst JPEG quality that a view is stored with."""
    compressed: float = 0.0
    """Share of the views that are stored as JPEG."""
    transplanted: float = 0.0
    """Share of the views in which all but what the network is cut to is of another picture."""
    blank: float = 0.0
    """Share of the views of which no structure is left: of these no class is the right one."""


PRESETS = {
    "none": Preset(),
    # The heart is on the left: a mirrored chest is another anatomy, so these have no flip.
    "chest": Preset(rotation=7, zoom=0.10, shift=0.05, shear=0.05, brightness=0.10, contrast=0.15),
    # What differs from one department to the next: collimation, machine, exposure, kind of file.
    "robust": Preset(
        rotation=7,
        brightness=0.10,
        contrast=0.35,
        crop=0.18,
        gamma=0.35,
        detail=(64, 160),
        sharpness=1.0,
        noise=7.0,
        quality=15,
        compressed=0.3,
        transplanted=0.35,
        blank=0.06,
    ),
    "document": Preset(rotation=10, zoom=0.15, shift=0.20, shear=0.15, flip=True),
}


class Views(NamedTuple):
    """What was drawn for a batch of images; each field has a row for each of them."""

    boxes: Any
    """`(images, 4)`: what is left of the picture, as shares of it."""
    detail: Any
    """`(images,)` rows and columns of detail."""
    transforms: Any
    """`(images, 8)` of a projective transform, from a pixel of the view to one of the picture."""
    tones: Any
    """`(images, 4)`: exponent, gain and offset in gray levels about mid-gray, sharpness."""
    noise: Any
    """`(images,)` gray levels."""
    seeds: Any
    """`(images, 2)` int32, of which the noise follows."""
    qualities: Any
    """`(images,)` int32 JPEG quality; BEST_QUALITY: not compressed."""
    transplanted: Any
    """`(images,)`: 1 where the surroundings are those of another picture, else 0."""
    blank: Any
    """`(images,)`: 1 where nothing is left that could tell a class, else 0."""


def draw(
    preset: str, seed: int, round_: int, digests: Sequence[str], size: tuple[int, int]
) -> Views:
    """Draw one view of `size = (height, width)` for each image, for `apply`."""
    chosen = PRESETS[preset]
    rows = []
    for digest in digests:
        random = np.random.default_rng([seed, round_, int(digest, 16)])
        rows.append(_view(chosen, random.uniform(-1, 1, 9), random, size))
    return Views(*(np.stack(column) for column in zip(*rows, strict=True)))


def joined(several: Iterable[Views]) -> Views:
    """Put the views of several draws one behind the other."""
    return Views(*(np.concatenate(column) for column in zip(*several, strict=True)))


def softened(targets: np.ndarray, views: Views) -> np.ndarray:
    """Return `(images, classes)` targets, with equal ones for views of which nothing is left.

    So a network learns that where there is nothing to see there is nothing to say (Hendrycks,
    Mazeika, Dietterich, Deep Anomaly Detection with Outlier Exposure, 2019).
    """
    blank = views.blank[:, None]
    return (targets * (1 - blank) + blank / targets.shape[1]).astype(np.float32)


def _view(
    preset: Preset, u: np.ndarray, random: np.random.Generator, size: tuple[int, int]
) -> Views:
    exposure = [1 + preset.contrast * u[7], 255 * preset.brightness * u[8]]
    left = 1 - preset.crop * random.uniform(0, 1, 2)
    start = (1 - left) * random.uniform(0, 1, 2)
    gamma, sharpness = random.uniform(-1, 1, 2) * (preset.gamma, preset.sharpness)
    blank = random.uniform() < preset.blank
    fewest, most = NOTHING if blank else preset.detail or sorted(size)
    compressed = random.uniform() < preset.compressed
    quality = random.integers(preset.quality, BEST_QUALITY) if compressed else BEST_QUALITY
    return Views(
        np.array([*start, *(start + left)], np.float32),
        np.float32(random.uniform(fewest, most)),
        _transform(preset, u, size),
        np.array([np.exp(gamma), *exposure, sharpness], np.float32),
        np.float32(preset.noise * random.uniform()),
        random.integers(0, 2**31, 2).astype(np.int32),
        np.int32(quality),
        np.float32(random.uniform() < preset.transplanted),
        np.float32(blank),
    )


def _transform(preset: Preset, u: np.ndarray, size: tuple[int, int]) -> np.ndarray:
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
    return np.array([*linear[0], offset[0], *linear[1], offset[1], 0, 0], np.float32)


def apply(
    pixels: Any,
    views: Views,
    parts: Any = None,
    masks: Any = None,
    *,
    size: tuple[int, int],
    preset: str,
) -> Any:
    """Give each image its view: `(batch, *size, channels)` float32, 0-255.

    `pixels` is `(batch, height, width, channels)` 0-255; `views` were drawn by the same `preset`.
    `parts` is `(batch, 4)`: the boxes that are seen of the pictures (default: all of them). Outside
    the image the nearest pixel is repeated. Exposure changes about mid-gray.

    `masks` is `(batch, rows, columns, 1)`, 0 to 1: where in the parts that is which they are cut
    to, such as lungs. Some views then get the surroundings of the image before them in the batch,
    so that these tell nothing of the class (Xiao, Engstrom, Ilyas, Madry, Noise or Signal: The Role
    of Image Backgrounds in Object Recognition, 2021).
    """
    import tensorflow as tf

    def viewed(channels: Any) -> Any:
        return _viewed(channels, views, parts, masks, size, PRESETS[preset])

    if pixels.shape[-1] != 3:
        return viewed(pixels)
    # Radiographs have the same in all three channels: one of them is enough to be worked on.
    return tf.cond(
        tf.reduce_all(pixels == pixels[..., :1]),
        lambda: tf.repeat(viewed(pixels[..., :1]), 3, axis=-1),
        lambda: viewed(pixels),
    )


def _viewed(
    pixels: Any, views: Views, parts: Any, masks: Any, size: tuple[int, int], chosen: Preset
) -> Any:
    import tensorflow as tf

    if parts is None and not chosen.crop and chosen.detail is None:
        seen = tf.cast(pixels, tf.float32)
    else:
        boxes = views.boxes if parts is None else _within(parts, views.boxes)
        seen = resampling.cut(pixels, boxes, size, None if chosen.detail is None else views.detail)
    if masks is not None:
        seen = tf.concat([seen, resampling.cut(masks, views.boxes, size)], axis=-1)
    seen = tf.raw_ops.ImageProjectiveTransformV3(
        images=seen,
        transforms=views.transforms,
        output_shape=size,
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    if masks is not None:
        seen, inside = seen[..., :-1], tf.minimum(2 * seen[..., -1:], 1.0)
        inside = tf.maximum(inside, 1 - views.transplanted[:, None, None, None])
        seen = inside * seen + (1 - inside) * tf.roll(seen, 1, axis=0)
    exponent, gain, bias, sharpness = tf.unstack(views.tones[:, None, None, None, :], axis=-1)
    if chosen.gamma:
        seen = 255 * tf.pow(seen / 255, exponent)
    seen = (seen - 127.5) * gain + 127.5 + bias
    if chosen.sharpness:
        seen += sharpness * (seen - tf.nn.avg_pool2d(seen, 3, 1, "SAME"))
    if chosen.noise or chosen.compressed:
        seen = tf.map_fn(
            lambda one: _filed(*one),
            (seen, views.noise, views.seeds, views.qualities),
            fn_output_signature=tf.TensorSpec(seen.shape[1:], tf.float32),
        )
    return tf.clip_by_value(seen, 0.0, 255.0)


def _within(parts: Any, boxes: Any) -> Any:
    """Return boxes, given as shares of parts, as shares of the whole picture."""
    import tensorflow as tf

    start, extent = parts[:, :2], parts[:, 2:] - parts[:, :2]
    return tf.concat([start + boxes[:, :2] * extent, start + boxes[:, 2:] * extent], axis=1)


def _filed(pixels: Any, noise: Any, seed: Any, quality: Any) -> Any:
    """Add grain, the same to all channels, and store one picture as a JPEG."""
    import tensorflow as tf

    grain = tf.random.stateless_normal((*pixels.shape[:2], 1), seed, stddev=noise)

    def stored() -> Any:
        levels = tf.saturate_cast(tf.round(pixels + grain), tf.uint8)
        return tf.cast(tf.image.adjust_jpeg_quality(levels, quality), tf.float32)

    return tf.cond(quality < BEST_QUALITY, stored, lambda: pixels + grain)
