"""Maps that know nothing of the network: what a method's map has to be better than."""

from __future__ import annotations

import zlib

import numpy as np

RANDOM, BLURRED, CENTRE, EDGES = "random", "blurred random", "centre", "edges"
SMOOTH = 1 / 14
"""Spread of the blur as a share of the side: about as smooth as maps of 7 x 7 features."""
MIDDLE = 1 / 4
"""Spread of the centre as a share of the side."""


def controls(pixels: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Return `(batch, height, width)` float32 maps from 0 up, by name.

    'random' is noise, 'blurred random' the same noise without fine structure, 'centre' a Gaussian
    in the middle of the image, and 'edges' the magnitude of the gray image's gradient. The random
    numbers of an image follow from `seed` and from the image, not from its place in the batch.
    """
    height, width = pixels.shape[1:3]
    noise = [_generator(image, seed).random((height, width)) for image in pixels]
    return {
        RANDOM: _stack(noise, pixels),
        BLURRED: _stack([_smooth(one) for one in noise], pixels),
        CENTRE: _stack([_centre(height, width)] * len(pixels), pixels),
        EDGES: _stack([_edges(image) for image in pixels], pixels),
    }


def image_seed(image: np.ndarray) -> int:
    """Number an image by its content, so that what is drawn for it can be drawn again."""
    return zlib.crc32(np.ascontiguousarray(image))


def _generator(image: np.ndarray, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, image_seed(image)])


def _stack(maps: list[np.ndarray], pixels: np.ndarray) -> np.ndarray:
    return np.array(maps, np.float32).reshape(pixels.shape[:3])


def _smooth(noise: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(noise, [SMOOTH * side for side in noise.shape])
    return smooth - smooth.min()


def _centre(height: int, width: int) -> np.ndarray:
    down, across = (((np.arange(side) + 0.5) / side - 0.5) / MIDDLE for side in (height, width))
    return np.exp(-(down[:, None] ** 2 + across[None, :] ** 2) / 2)


def _edges(image: np.ndarray) -> np.ndarray:
    from scipy.ndimage import sobel

    gray = image.astype(np.float64).mean(axis=-1)
    return np.hypot(sobel(gray, axis=0), sobel(gray, axis=1))
