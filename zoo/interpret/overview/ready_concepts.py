"""Concepts of radiographs that come ready-made: the same picture with a property and without it.

Whatever else differs between pictures is the same in both, so that what a network makes of the
difference is about the property and not about the pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from zoo.base.pictures.pixel_arrays import blurred
from zoo.data.lead_letter import WHITE
from zoo.data.stresses import stressed
from zoo.interpret.overview.regions import BORDERS, regions

TEXTURE = 0.02
"""Share of the side: standard deviation of the blur that takes the texture of lungs away."""
OPACITY, THICKNESS = 0.55, 0.012
"""Of a drawn line: how much it covers, and its width as a share of the side."""
ENLARGED = 4

Change = Callable[[np.ndarray, np.ndarray | None, str], np.ndarray | None]


@dataclass(frozen=True)
class ReadyConcept:
    """A property of a picture, and how a picture gets or loses it.

    `change(pixels, lungs, digest)` takes `(height, width, channels)` uint8, `(height, width)` bool
    or None, and the image's digest in hexadecimal, by which all that is random is drawn; it returns
    a picture of the same shape, or None where it cannot be made. `adds` tells whether the property
    is in what it returns, or in what it was given. `allowed` tells whether a network that reads
    disease may depend on it.
    """

    name: str
    made: str
    adds: bool
    allowed: bool
    change: Change


def lung_texture(pixels: np.ndarray, lungs: np.ndarray | None, _: str = "") -> np.ndarray | None:
    """Blur inside the lungs; what lies outside does not run into them."""
    from scipy.ndimage import gaussian_filter

    if lungs is None or not lungs.any():
        return None
    spread = TEXTURE * min(pixels.shape[:2])
    weight = gaussian_filter(lungs.astype(np.float32), spread)[..., None]
    values = gaussian_filter(pixels * lungs[..., None].astype(np.float32), (spread, spread, 0))
    smooth = np.rint(values / np.maximum(weight, 1e-6)).clip(0, 255).astype(np.uint8)
    return np.where(lungs[..., None], smooth, pixels)


def without_border(pixels: np.ndarray, _: np.ndarray | None = None, __: str = "") -> np.ndarray:
    """Replace the outer 10 % by a blurred copy, as hidden parts are."""
    border = regions(pixels.shape[:2])[BORDERS]
    return np.where(border[..., None], blurred(pixels), pixels)


def lines(pixels: np.ndarray, _: np.ndarray | None, digest: str) -> np.ndarray:
    """Draw a tube from the top to the middle and a wire from a side, bent at random."""
    random = np.random.default_rng(int(digest, 16))
    height, width = pixels.shape[:2]
    drawn = Image.new("L", (ENLARGED * width, ENLARGED * height))
    draw = ImageDraw.Draw(drawn)
    stroke = max(ENLARGED, round(ENLARGED * THICKNESS * min(height, width)))
    side = float(random.integers(2))
    tube = [(random.uniform(0.42, 0.58), 0.0), *random.uniform(0.35, 0.6, (2, 2))]
    wire = [(side, random.uniform(0.1, 0.4)), *random.uniform(0.2, 0.8, (3, 2))]
    for points, thick in ((tube, stroke), (wire, max(1, stroke // 2))):
        curve = _curve(np.array(points)) * (ENLARGED * width, ENLARGED * height)
        draw.line([(x, y) for x, y in curve], fill=255, width=thick, joint="curve")
    covered = np.asarray(drawn.resize((width, height), Image.Resampling.BOX), np.float32) / 255
    share = OPACITY * covered[..., None]
    return np.rint(pixels * (1 - share) + WHITE * share).astype(np.uint8)


def _curve(points: np.ndarray) -> np.ndarray:
    """Return 60 points of the Bezier curve of some control points `(number, 2)`."""
    along = np.linspace(0, 1, 60)[:, None, None]
    bent = np.repeat(points[None].astype(float), len(along), axis=0)
    while bent.shape[1] > 1:
        bent = (1 - along) * bent[:, :-1] + along * bent[:, 1:]
    return bent[:, 0]


def _as_stressed(name: str, level: str) -> Change:
    return lambda pixels, _, digest: stressed(pixels, name, level, digest)


READY: dict[str, ReadyConcept] = {
    one.name: one
    for one in (
        ReadyConcept(
            "lung texture",
            "the image, against the same with the inside of the lungs blurred (2 % of the side)",
            adds=False,
            allowed=True,
            change=lung_texture,
        ),
        ReadyConcept(
            "sharpness",
            "the image, against the same blurred as a whole (0.9 % of the side)",
            adds=False,
            allowed=False,
            change=_as_stressed("blur", "strong"),
        ),
        ReadyConcept(
            "border",
            "the image, against the same with its outer 10 % strongly blurred",
            adds=False,
            allowed=False,
            change=without_border,
        ),
        ReadyConcept(
            "marker",
            "the image with a bright letter in one of its corners, against the image",
            adds=True,
            allowed=False,
            change=_as_stressed("marker", "middle"),
        ),
        ReadyConcept(
            "collimation",
            "the image with dark edges (up to 8 % of the side), against the image",
            adds=True,
            allowed=False,
            change=_as_stressed("collimation", "middle"),
        ),
        ReadyConcept(
            "exposure",
            "the image 20 gray levels brighter, against the image",
            adds=True,
            allowed=False,
            change=_as_stressed("brighter", "middle"),
        ),
        ReadyConcept(
            "lines",
            "the image with a tube and a wire drawn on it, against the image",
            adds=True,
            allowed=False,
            change=lines,
        ),
    )
}
"""Every ready-made concept by its name."""
