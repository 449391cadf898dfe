"""Radiographs of which some are the negative of the others: bones white here, black there."""

from __future__ import annotations

import numpy as np

from zoo.base.types import Sample
from zoo.checks.findings import WARNING, Finding, counted

FEWEST = 20
"""Images from which on there is something to compare."""
SMALLEST_SHARE = 0.05
OPPOSITE = -0.8
"""Correlation of the mean pictures of both sides: -1 for a picture and its negative."""
CELLS = 16
"""Cells a side in which pictures are compared: enough to know a chest by."""
LIKENESS = 0.4
"""Median correlation of the pictures with the mean of their side: they show one thing."""


def negatives(samples: tuple[Sample, ...], gray: np.ndarray) -> list[Finding]:
    """Find a part of the pictures that looks like the negative of the rest.

    `gray` is `(n, height, width)` uint8. Pictures without contrast are passed over. The two sides
    are those that the first principal component tells apart by its sign.
    """
    cell_height, cell_width = (max(1, side // CELLS) for side in gray.shape[1:])
    rows, columns = gray.shape[1] // cell_height, gray.shape[2] // cell_width
    cut = gray[:, : rows * cell_height, : columns * cell_width]
    cells = cut.reshape(len(gray), rows, cell_height, columns, cell_width)
    pixels = cells.mean(axis=(2, 4), dtype=np.float32).reshape(len(gray), -1)
    pixels -= pixels.mean(axis=1, keepdims=True)
    length = np.linalg.norm(pixels, axis=1, keepdims=True)
    shown = np.flatnonzero(length[:, 0] > 0)
    if len(shown) < FEWEST:
        return []
    pixels = pixels[shown] / length[shown]
    values, vectors = np.linalg.eigh(pixels.T @ pixels)
    positive = pixels @ vectors[:, np.argmax(values)] > 0
    small, large = sorted((positive, ~positive), key=np.count_nonzero)
    if np.count_nonzero(small) < max(2, SMALLEST_SHARE * len(pixels)):
        return []
    means = [pixels[side].mean(axis=0) for side in (small, large)]
    lengths = [np.linalg.norm(mean) for mean in means]
    if min(lengths) == 0:
        return []
    ones = [mean / size for mean, size in zip(means, lengths, strict=True)]
    alike = [np.median(pixels[side] @ one) for side, one in zip((small, large), ones, strict=True)]
    if ones[0] @ ones[1] > OPPOSITE or min(alike) < LIKENESS:
        return []
    names = tuple(samples[shown[i]].name for i in np.flatnonzero(small))
    return [
        Finding(
            WARNING,
            "negatives",
            f"{counted(len(names), 'image')} of {len(samples):,} look like the negative of the "
            "others: what is white in these is black in those.",
            "Look at them, and invert one side; a file may say it of itself (MONOCHROME1 in DICOM, "
            "WhiteIsZero in TIFF), and lose it when it is converted.",
            names=names,
        )
    ]
