"""Maps that know nothing of the network, or of the image: what a method's map has to beat."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

RANDOM, BLURRED, CENTRE, EDGES = "random", "blurred random", "centre", "edges"
LUNGS = "lungs"
MOVED = "moved"
"""What the name of a control begins with that is the map itself, put elsewhere."""
MOVES = 4
"""Copies of a map that are moved: so many that one which lands on the same place by luck is only
one of them."""
SMOOTH = 1 / 14
"""Spread of the blur as a share of the side: about as smooth as maps of 7 x 7 features."""
MIDDLE = 1 / 4
"""Spread of the centre as a share of the side."""


def controls(pixels: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Return `(batch, height, width)` float32 maps from 0 up, by name.

    'random' is noise, 'blurred random' the same noise without fine structure, 'centre' a Gaussian
    in the middle of the image, and 'edges' the magnitude of the gray image's gradient, blurred
    alike. The random numbers of an image follow from `seed` and from the image, not from its place
    in the batch.
    """
    noise = [_generator(image, seed).random(image.shape[:2]) for image in pixels]
    return {
        RANDOM: _stack(noise, pixels),
        BLURRED: _stack([_smooth(one) for one in noise], pixels),
        **others(pixels),
    }


def others(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Return those of `controls` that are not drawn by chance."""
    height, width = pixels.shape[1:3]
    return {
        CENTRE: _stack([_centre(height, width)] * len(pixels), pixels),
        EDGES: _stack([_edges(image) for image in pixels], pixels),
    }


def lung_maps(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Return maps that are highest in the middle of each lung, `(batch, height, width)` float32.

    `masks[i]` is `(height, width)` bool; a place's value is how many pixels it is away from the
    border of the lung.
    """
    from scipy.ndimage import distance_transform_edt

    return np.stack([distance_transform_edt(mask) for mask in masks]).astype(np.float32)


def moved(
    maps: np.ndarray, pixels: np.ndarray, seed: int = 0, copies: int = MOVES
) -> dict[str, np.ndarray]:
    """Return `copies` of `(batch, height, width)` maps, each put elsewhere in its frame, by name.

    A copy is turned over by chance (sideways, upside down, both or not at all) and shifted by
    chance, where what leaves on one side comes in on the other. So it has the values of the map and
    is as coarse or as fine, but knows no more of the image than noise does. Noise itself is no fair
    control of a smooth map: holes that are scattered over an image disturb a network more than one
    hole of the same size. The random numbers of an image follow from `seed` and from the image.
    """
    return {
        f"{MOVED} {number}": np.stack(
            [
                _elsewhere(values, np.random.default_rng([seed, number, image_seed(image)]))
                for values, image in zip(maps, pixels, strict=True)
            ]
        )
        if len(maps)
        else maps
        for number in range(1, copies + 1)
    }


def image_seed(image: np.ndarray) -> int:
    """Number an image by its content, so that what is drawn for it can be drawn again."""
    return zlib.crc32(np.ascontiguousarray(image))


def _generator(image: np.ndarray, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, image_seed(image)])


def _elsewhere(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    turned = values[:: random.choice((1, -1)), :: random.choice((1, -1))]
    return np.roll(turned, random.integers(values.shape), axis=(0, 1))


def _stack(maps: list[np.ndarray], pixels: np.ndarray) -> np.ndarray:
    return np.array(maps, np.float32).reshape(pixels.shape[:3])


def _smooth(noise: np.ndarray) -> np.ndarray:
    smooth = _blurred(noise)
    return smooth - smooth.min()


def _blurred(values: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(values, [SMOOTH * side for side in values.shape])


def _centre(height: int, width: int) -> np.ndarray:
    down, across = (((np.arange(side) + 0.5) / side - 0.5) / MIDDLE for side in (height, width))
    return np.exp(-(down[:, None] ** 2 + across[None, :] ** 2) / 2)


def _edges(image: np.ndarray) -> np.ndarray:
    from scipy.ndimage import sobel

    gray = image.astype(np.float64).mean(axis=-1)
    return _blurred(np.hypot(sobel(gray, axis=0), sobel(gray, axis=1)))
