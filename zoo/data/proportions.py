"""Images of a data set in their own proportions, each file decoded once."""

from __future__ import annotations

import numpy as np

from zoo.base.pictures import images
from zoo.base.pictures.pixel_arrays import proportioned, resize
from zoo.base.types import Dataset, Sample
from zoo.data.pixels import KeptPixels


def read_shaped(
    dataset: Dataset, sample: Sample, size: tuple[int, int]
) -> tuple[np.ndarray, tuple[int, int] | None]:
    """Read an image as `dataset.read` does; return it and the `(height, width)` it has upright.

    The latter is None for an image that is no file.
    """
    if dataset.path is None:
        return dataset.read(sample, size), None
    if isinstance(dataset.read, KeptPixels):
        return dataset.read.shaped(sample, size)
    return images.read_shaped(dataset.path(sample), size, bits=dataset.bits)


def read_proportioned(dataset: Dataset, sample: Sample, side: int) -> np.ndarray:
    """Read an image with this shorter side: `(height, width, 3)` uint8, no longer than 3:1."""
    if dataset.path is None:
        whole = dataset.read(sample, None)
        return resize(whole, proportioned(whole.shape[:2], side))
    return images.read_proportioned(dataset.path(sample), side, bits=dataset.bits)
