"""A visitor's image for a browser to show: in its own proportions, and not too large."""

from __future__ import annotations

from zoo import images
from zoo.report.overlays import enlarge
from zoo.service.uploads import Upload

MOST_SIDE = 1600
"""Pixels of the longer side: enough to be looked at closely, a fraction of an X-ray's bytes."""


def picture(upload: Upload) -> bytes:
    """Return the image as a JPEG file.

    The network sees it squashed to its own input; a map is stretched back over it.

    Raises:
        BadInput: the file is damaged.
    """
    pixels = images.read(upload.content, name=upload.name)
    height, width = pixels.shape[:2]
    scale = MOST_SIDE / max(height, width)
    if scale < 1:
        pixels = images.resize(
            pixels, (max(1, round(height * scale)), max(1, round(width * scale)))
        )
    return images.encode_jpeg(enlarge(pixels), quality=90)
