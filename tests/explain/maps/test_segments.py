"""Regions of pictures whose parts are known."""

from __future__ import annotations

import numpy as np
import pytest

from explain.maps import segments


def picture(colours):
    image = np.empty((48, 64, 3), np.float32)
    image[:], image[8:28, 8:28], image[20:40, 36:60] = colours
    return image


GRAY = picture((40, 220, 140))
COLOURED = picture(((200, 0, 0), (0, 200, 0), (0, 0, 200)))
"""The mean of the channels is the same everywhere."""


@pytest.mark.parametrize("image", [GRAY, COLOURED, GRAY[..., :1]], ids=["gray", "colour", "one"])
@pytest.mark.parametrize(
    ("divide", "fewest", "most"),
    [
        (lambda image: segments.superpixels(image, 50), 25, 80),
        (lambda image: segments.felzenszwalb(image, 50, 10), 3, 40),
    ],
    ids=["superpixels", "felzenszwalb"],
)
def test_regions_follow_edges(divide, fewest, most, image):
    labels = divide(image)
    assert labels.shape == image.shape[:2]
    assert labels.min() == 0
    assert fewest <= labels.max() + 1 <= most
    square = (image == image[10, 10]).all(axis=-1)
    inside = [square[labels == label].mean() for label in np.unique(labels)]
    assert np.mean(np.minimum(inside, np.subtract(1, inside)) < 0.1) > 0.8


def test_an_even_picture_is_one_region_or_even_ones():
    even = np.full((28, 28, 3), 90, np.float32)
    assert segments.felzenszwalb(even, 50, 10).max() == 0
    sizes = np.bincount(segments.superpixels(even, 16).ravel())
    assert sizes.max() <= 2 * sizes.min()
