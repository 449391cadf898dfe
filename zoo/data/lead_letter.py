"""The letter of lead that stands beside a patient to name the side."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

WHITE = 245
"""Lead is nearly as bright as a picture gets."""


def letter(side: int) -> np.ndarray:
    """Draw an R of straight strokes: `(side, side)` bool."""
    large = 8 * max(side, 8)
    picture = Image.new("L", (large, large))
    draw = ImageDraw.Draw(picture)
    stroke = large // 6
    half = stroke / 2
    left, right, top, bottom = large * 0.2, large * 0.8, half, large - half
    middle = large * 0.52
    outline = [(left, bottom), (left, top), (right, top), (right, middle), (left, middle)]
    draw.line(outline, fill=255, width=stroke, joint="curve")
    draw.line([(large * 0.45, middle), (right, bottom)], fill=255, width=stroke)
    draw.rectangle((left - half, 0, left + half, large), fill=255)
    small = picture.resize((side, side), Image.Resampling.BOX)
    return np.asarray(small) >= 128
