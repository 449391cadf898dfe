"""An image divided into regions that follow its edges, by scikit-image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

COMPACTNESS = 0.1
"""Weight of distance against difference in brightness (0 to 1) of a superpixel's pixels: much
larger ones give squares, whatever the picture shows."""
SMOOTHING = 0.8


def superpixels(image: np.ndarray, count: int) -> np.ndarray:
    """Divide `(height, width, channels)`, 0 to 255, into about `count` regions alike in size.

    Returns labels `(height, width)` from 0.

    Source: Achanta, Shaji, Smith, Lucchi, Fua, Süsstrunk, *SLIC Superpixels Compared to
    State-of-the-Art Superpixel Methods*, 2012.
    """
    from skimage.segmentation import slic

    levels, axis = _levels(image)
    return slic(
        levels / 255, count, COMPACTNESS, start_label=0, channel_axis=axis, convert2lab=False
    )


def felzenszwalb(image: np.ndarray, scale: float, smallest: int) -> np.ndarray:
    """Divide `(height, width, channels)`, 0 to 255, along its edges, the coarser for larger scales.

    No region has fewer than `smallest` pixels. Returns labels `(height, width)` from 0.

    Source: Felzenszwalb, Huttenlocher, *Efficient Graph-Based Image Segmentation*, 2004.
    """
    from skimage import segmentation

    levels, axis = _levels(image)
    return segmentation.felzenszwalb(
        levels / 127.5 - 1, scale=scale, sigma=SMOOTHING, min_size=smallest, channel_axis=axis
    )


def _levels(image: np.ndarray) -> tuple[np.ndarray, int | None]:
    """Return the image and its axis of channels; of a gray one one channel, and None."""
    gray = image[..., 0]
    return (gray, None) if (image == gray[..., None]).all() else (image, -1)
