"""Pictures and masks as they could also have been taken, and pictures without what is looked for.

A localiser is trained on few kinds of pictures and meets many: other proportions, other crops,
borders and collimated edges, other exposure, larger bodies, wires and letters, poor files. All of
it is drawn here, but for inversion: readers already give bone white.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

ROTATION = 15.0
"""Degrees to either side."""
ZOOM = 1.5
"""Largest enlargement, and reduction, of height and of width, each on its own."""
SHEAR, SHIFT = 0.12, 0.15
BLOCKS = 5
"""Rows and columns that a picture is cut into and put together from anew."""


class _Draws:
    """Random numbers that follow from a seed alone, another series at each call."""

    def __init__(self, seed: Any, rows: int) -> None:
        self.seed, self.rows, self.count = seed, rows, 0

    def uniform(self, low: float, high: float, *shape: int) -> Any:
        """Return `(rows, *shape)` between two values."""
        import tensorflow as tf

        return tf.random.stateless_uniform((self.rows, *shape), self._next(), low, high)

    def normal(self, *shape: int) -> Any:
        """Return `(rows, *shape)` with mean 0 and deviation 1."""
        import tensorflow as tf

        return tf.random.stateless_normal((self.rows, *shape), self._next())

    def chance(self, share: float) -> Any:
        """Return `(rows, 1, 1, 1)`: 1 in that share of the rows, else 0."""
        import tensorflow as tf

        return tf.cast(self.uniform(0, 1, 1, 1, 1) < share, tf.float32)

    def _next(self) -> Any:
        import tensorflow as tf

        self.count += 1
        return tf.random.experimental.stateless_fold_in(self.seed, self.count)


def view(pictures: Any, masks: Any, seed: Any, side: int) -> tuple[Any, Any]:
    """Return another picture of each, `(batch, side, side, 1)` 0-255, and its mask at half of it.

    `pictures` and `masks` are `(batch, rows, columns)`; pictures 0-255, masks 0 or 1. The masks
    returned are shares of the area. `seed` is two whole numbers, of which everything drawn
    follows. The batch has a fixed size.
    """
    import tensorflow as tf

    draws = _Draws(seed, pictures.shape[0])
    transforms = _transforms(draws, pictures.shape[1], 2 * side)
    known = tf.stack([masks, tf.ones_like(masks)], axis=-1)
    # Beyond its edge a picture goes on as it ended, or there is a border.
    x = _moved(pictures[..., None] / 255, transforms, 2 * side, "NEAREST")
    mask, inside = tf.split(_moved(known, transforms, 2 * side, "CONSTANT"), 2, axis=-1)
    inside, open_ = tf.maximum(inside, draws.chance(0.5)), _collimated(draws, side)
    mask = tf.nn.avg_pool2d(mask * open_, 2, 2, "SAME")
    x = _covered(_exposed(x, draws), draws, side)
    x = x * inside + (1 - inside) * _level(draws)
    x = x * open_ + (1 - open_) * _level(draws)
    return 255 * tf.clip_by_value(_filed(x, draws, side), 0, 1), mask


def _transforms(draws: _Draws, source: int, side: int) -> Any:
    """Turn, stretch, slant and shift: from a place in the result to that in the picture."""
    import tensorflow as tf

    angle = draws.uniform(-ROTATION, ROTATION) * (math.pi / 180)
    most = math.log(ZOOM)
    zoom_x, zoom_y = (tf.exp(draws.uniform(-most, most)) for _ in range(2))
    slant = draws.uniform(-SHEAR, SHEAR)
    shift = draws.uniform(-SHIFT, SHIFT, 2) * source
    cos, sin, ratio = tf.cos(angle), tf.sin(angle), source / side
    a, b = ratio * cos / zoom_x, ratio * (slant * cos - sin) / zoom_y
    c, d = ratio * sin / zoom_x, ratio * (slant * sin + cos) / zoom_y
    middle, end = (source - 1) / 2, (side - 1) / 2
    across, down = middle - (a + b) * end, middle - (c + d) * end
    zero = tf.zeros_like(a)
    return tf.stack([a, b, across + shift[:, 0], c, d, down + shift[:, 1], zero, zero], axis=1)


def _moved(pictures: Any, transforms: Any, side: int, beyond: str) -> Any:
    """Draw the moved pictures at `side`, then average 2 x 2: against aliasing."""
    import tensorflow as tf

    fine = tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=transforms,
        output_shape=(side, side),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode=beyond,
    )
    return tf.nn.avg_pool2d(fine, 2, 2, "SAME")


def _collimated(draws: _Draws, side: int) -> Any:
    """Return 1 where the tube's field or the page is open, 0 beside it; open in most pictures."""
    import tensorflow as tf

    axis = (tf.range(side, dtype=tf.float32) + 0.5) / side
    edges = draws.uniform(-0.1, 0.16, 4) * draws.chance(0.4)[:, 0, 0]
    soft = draws.uniform(40, 400, 1)

    def opened(low: Any, high: Any) -> Any:
        return tf.sigmoid((axis - low[:, None]) * soft) * tf.sigmoid(
            (1 - high[:, None] - axis) * soft
        )

    low = tf.where(edges > 0, edges, -1.0)
    rows, columns = opened(low[:, 0], low[:, 1]), opened(low[:, 2], low[:, 3])
    return (rows[:, :, None] * columns[:, None, :])[..., None]


def _level(draws: _Draws) -> Any:
    """Return what a border is filled with: mostly black or white."""
    import tensorflow as tf

    return tf.clip_by_value(draws.uniform(-0.8, 1.5, 1, 1, 1), 0, 1)


def _exposed(x: Any, draws: _Draws) -> Any:
    """Change gamma, contrast and brightness, and let the exposure drift over the picture."""
    import tensorflow as tf

    x = tf.pow(tf.clip_by_value(x, 1e-3, 1), tf.exp(draws.uniform(-0.8, 0.8, 1, 1, 1)))
    side = x.shape[1]
    for cells, most in ((3, 0.20), (7, 0.10)):
        drift = tf.image.resize(draws.normal(cells, cells, 1), (side, side), "bicubic")
        x += drift * draws.uniform(0, most, 1, 1, 1)
    x = (x - 0.5) * tf.exp(draws.uniform(-0.7, 0.5, 1, 1, 1)) + 0.5
    return tf.clip_by_value(x + draws.uniform(-0.25, 0.25, 1, 1, 1), 0, 1)


def _covered(x: Any, draws: _Draws, side: int) -> Any:
    """Lay soft shadows (opacities, breasts, effusions), wires, letters and patches over it."""
    import tensorflow as tf

    axis = (tf.range(side, dtype=tf.float32) + 0.5) / side
    down, across = axis[None, :, None, None], axis[None, None, :, None]
    for _ in range(3):
        y, x0, height, width, angle = (
            draws.uniform(low, high, 1, 1, 1)
            for low, high in ((0, 1), (0, 1), (0.04, 0.25), (0.04, 0.25), (0, math.pi))
        )
        u = (across - x0) * tf.cos(angle) + (down - y) * tf.sin(angle)
        v = (down - y) * tf.cos(angle) - (across - x0) * tf.sin(angle)
        shadow = tf.exp(-tf.square(tf.square(u / width) + tf.square(v / height)))
        strength = draws.uniform(0, 0.7, 1, 1, 1) * draws.chance(0.4)
        x += (draws.uniform(0.4, 1, 1, 1, 1) - x) * shadow * strength
    angle = draws.uniform(0, math.pi, 1, 1, 1)
    bend = draws.uniform(-1, 1, 1, 1, 1)
    u = (across - 0.5) * tf.cos(angle) + (down - 0.5) * tf.sin(angle)
    v = (down - 0.5) * tf.cos(angle) - (across - 0.5) * tf.sin(angle)
    away = u - draws.uniform(-0.5, 0.5, 1, 1, 1) - bend * v * v
    wire = tf.exp(-tf.square(away * side / draws.uniform(0.4, 1.2, 1, 1, 1)))
    x += wire * draws.uniform(0, 0.5, 1, 1, 1) * draws.chance(0.3)
    for share, most in ((0.4, 0.10), (0.4, 0.10), (0.15, 0.30)):
        y, x0 = (draws.uniform(0, 1, 1, 1, 1) for _ in range(2))
        height, width = (draws.uniform(0.02, most, 1, 1, 1) for _ in range(2))
        here = (abs(down - y) < height / 2) & (abs(across - x0) < width / 2)
        patch = tf.cast(here, tf.float32) * draws.chance(share)
        x = x * (1 - patch) + patch * _level(draws)
    return x


def _filed(x: Any, draws: _Draws, side: int) -> Any:
    """Blur, add grain, and store the picture small or as a poor JPEG."""
    import tensorflow as tf

    blurred = tf.nn.avg_pool2d(x, 3, 1, "SAME")
    coarse = tf.image.resize(
        tf.image.resize(x, (side // 3, side // 3), antialias=True), (side, side)
    )
    for other, share in ((blurred, 0.25), (coarse, 0.1)):
        chosen = draws.chance(share)
        x = x * (1 - chosen) + other * chosen
    x += draws.normal(side, side, 1) * draws.uniform(0, 0.06, 1, 1, 1) * draws.chance(0.5)
    # The compression runs picture by picture, so only the first few of a batch are stored.
    few = max(x.shape[0] // 8, 1)
    quality = tf.cast(draws.uniform(10, 70)[:few], tf.int32)
    bytes_ = tf.cast(255 * tf.clip_by_value(x[:few], 0, 1), tf.uint8)
    stored = [tf.image.adjust_jpeg_quality(bytes_[i], quality[i]) for i in range(few)]
    return tf.concat([tf.cast(tf.stack(stored), tf.float32) / 255, x[few:]], axis=0)


def others(pictures: np.ndarray, count: int, side: int, random: np.random.Generator) -> np.ndarray:
    """Draw `(count, side, side)` uint8 pictures that show nothing of what is looked for.

    Blank ones, ramps, clouds, drawings of shapes, noise; and pictures put together from blocks of
    the `pictures`, so that texture alone is not enough.
    """
    kinds = (_blank, _ramp, _clouds, _shapes, _noise)
    drawn = [
        kinds[i % (len(kinds) + 1)](side, random)
        if i % (len(kinds) + 1) < len(kinds)
        else _shuffled(pictures[random.integers(len(pictures))], random)
        for i in range(count)
    ]
    return np.stack(drawn)


def _blank(side: int, random: np.random.Generator) -> np.ndarray:
    grain = random.normal(0, random.uniform(0, 4), (side, side))
    return np.clip(random.integers(0, 256) + grain, 0, 255).astype(np.uint8)


def _ramp(side: int, random: np.random.Generator) -> np.ndarray:
    axis = np.linspace(-1, 1, side)
    x, y = axis - random.uniform(-1, 1), axis[:, None] - random.uniform(-1, 1)
    angle = random.uniform(0, 2 * np.pi)
    straight = np.cos(angle) * x + np.sin(angle) * y
    values = straight if random.uniform() < 0.5 else np.hypot(x, y)
    if random.uniform() < 0.3:
        values = np.sin(values * random.uniform(3, 30))
    return _to_bytes(values)


def _clouds(side: int, random: np.random.Generator) -> np.ndarray:
    """Return noise whose power falls with frequency, as that of photographs does."""
    down, across = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)
    frequency = np.maximum(np.hypot(down, across), 1 / side)
    spectrum = np.fft.rfft2(random.standard_normal((side, side)))
    return _to_bytes(np.fft.irfft2(spectrum / frequency ** random.uniform(0.5, 2.5), (side, side)))


def _shapes(side: int, random: np.random.Generator) -> np.ndarray:
    image = Image.fromarray(_ramp(side, random))
    draw = ImageDraw.Draw(image)
    for _ in range(random.integers(1, 12)):
        corners = random.integers(-side // 4, side + side // 4, (2, 2))
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        level = int(random.integers(256))
        kind = random.integers(3)
        if kind == 0:
            draw.rectangle((left, top, right, bottom), fill=level)
        elif kind == 1:
            draw.ellipse((left, top, right, bottom), fill=level)
        else:
            draw.line((left, top, right, bottom), fill=level, width=int(random.integers(1, 12)))
    return np.asarray(image)


def _noise(side: int, random: np.random.Generator) -> np.ndarray:
    coarse = int(random.integers(4, side))
    image = Image.fromarray(random.integers(0, 256, (coarse, coarse), np.uint8))
    return np.asarray(image.resize((side, side), random.choice([0, 2])))


def _shuffled(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    step = len(picture) // BLOCKS
    blocks = picture[: step * BLOCKS, : step * BLOCKS].reshape(BLOCKS, step, BLOCKS, step)
    blocks = random.permutation(blocks.swapaxes(1, 2).reshape(-1, step, step))
    whole = blocks.reshape(BLOCKS, BLOCKS, step, step).swapaxes(1, 2).reshape(step * BLOCKS, -1)
    return np.asarray(Image.fromarray(whole).resize(picture.shape[::-1]))


def _to_bytes(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    return np.rint(255 * (values - low) / max(high - low, 1e-9)).astype(np.uint8)
