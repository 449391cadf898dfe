"""What a cut is compared with in tests: another library's, and noise to cut."""

from __future__ import annotations

import numpy as np
from PIL import Image

WHOLE = np.array([[0, 0, 1, 1]], np.float32)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)


def by_pillow(picture: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut `(height, width)` float32 by an independent implementation of the same filter."""
    height, width = picture.shape
    top, left, bottom, right = box * [height, width, height, width]
    image = Image.fromarray(picture)
    return np.asarray(
        image.resize(size[::-1], Image.Resampling.BILINEAR, box=(left, top, right, bottom))
    )
