"""What another machine, another archive or another hand would have made of the same picture.

Each stress changes a picture at its reading size at three strengths that a radiograph can meet
(docs/stress.md says where). What is drawn at random depends on the stress and the digest of the
image alone, so a picture meets the same noise, direction and corner at each strength.

Source: Hendrycks, Dietterich, "Benchmarking neural network robustness to common corruptions and
perturbations", 2019, whose idea it is; these changes and strengths are chosen for radiographs.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from zoo.base.errors import UnknownName
from zoo.data.lead_letter import WHITE, letter

MILD, MIDDLE, STRONG = LEVELS = ("mild", "middle", "strong")
VERSION = 1
"""Raised whenever a stress gives other pixels, so that cached features expire."""
COLLIMATED = 0.08
"""Share of the light that passes the lead of a collimator."""

Apply = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Stress:
    """One change and its strengths for LEVELS, weakest first.

    `unit` has braces where the strength stands, as in '{} gray levels'. `apply(pixels, strength,
    random)` takes and gives `(height, width, channels)` uint8.
    """

    name: str
    unit: str
    strengths: tuple[float, float, float]
    apply: Apply

    def told(self, level: str) -> str:
        """Say the strength of a level with its unit, such as '8 gray levels'."""
        return self.unit.format(f"{self.strength(level):g}")

    def strength(self, level: str) -> float:
        """Return the strength of a level."""
        return self.strengths[LEVELS.index(level)]


def stressed(pixels: np.ndarray, name: str, level: str, digest: str) -> np.ndarray:
    """Give a picture the stress `name` at a level: `(height, width, channels)` uint8, same shape.

    The picture has 1 or 3 channels and is not changed itself. `digest` is the image's, in
    hexadecimal.

    Raises:
        UnknownName: there is no such stress or level.
    """
    if name not in STRESSES:
        raise UnknownName.among("stress", name, STRESSES)
    if level not in LEVELS:
        raise UnknownName.among("level", level, LEVELS)
    stress = STRESSES[name]
    random = np.random.default_rng([zlib.crc32(name.encode()), int(digest, 16)])
    return stress.apply(pixels, stress.strength(level), random)


def noise(pixels: np.ndarray, spread: float, random: np.random.Generator) -> np.ndarray:
    """Add the same Gaussian noise to each channel, since a radiograph is gray."""
    added = random.standard_normal((*pixels.shape[:2], 1), np.float32) * np.float32(spread)
    return _rounded(pixels + added)


def blur(pixels: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """Blur with a Gaussian whose standard deviation is so many percent of the side."""
    radius = share / 100 * min(pixels.shape[:2])
    return _array(_picture(pixels).filter(ImageFilter.GaussianBlur(radius)), pixels)


def compression(pixels: np.ndarray, quality: float, _: np.random.Generator) -> np.ndarray:
    """Write as JPEG and read again."""
    file = io.BytesIO()
    _picture(pixels).save(file, "JPEG", quality=int(quality))
    with Image.open(file, formats=("JPEG",)) as image:
        return _array(image, pixels)


def resolution(pixels: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """Reduce to so many percent of the side and enlarge again."""
    height, width = pixels.shape[:2]
    small = max(1, round(width * share / 100)), max(1, round(height * share / 100))
    reduced = _picture(pixels).resize(small, Image.Resampling.BILINEAR)
    return _array(reduced.resize((width, height), Image.Resampling.BILINEAR), pixels)


def sharpening(pixels: np.ndarray, percent: float, _: np.random.Generator) -> np.ndarray:
    """Add so many percent of what a blur by 1 % of the side takes away."""
    radius = min(pixels.shape[:2]) / 100
    mask = ImageFilter.UnsharpMask(radius, int(percent), threshold=0)
    return _array(_picture(pixels).filter(mask), pixels)


def gamma(pixels: np.ndarray, power: float, _: np.random.Generator) -> np.ndarray:
    """Raise the share of white to a power: above 1 gets darker, below 1 lighter."""
    return _rounded(255 * (np.arange(256) / 255) ** power)[pixels]


def contrast(pixels: np.ndarray, gain: float, _: np.random.Generator) -> np.ndarray:
    """Multiply what differs from the picture's mean."""
    mean = pixels.mean()
    return _rounded(mean + gain * (np.arange(256) - mean))[pixels]


def brightness(pixels: np.ndarray, added: float, _: np.random.Generator) -> np.ndarray:
    """Add gray levels, or take them away."""
    return _rounded(np.arange(256) + added)[pixels]


def equalisation(pixels: np.ndarray, percent: float, _: np.random.Generator) -> np.ndarray:
    """Mix with so many percent of the picture whose gray levels are all equally frequent."""
    picture = _picture(pixels)
    return _array(Image.blend(picture, ImageOps.equalize(picture), percent / 100), pixels)


def crop(pixels: np.ndarray, percent: float, random: np.random.Generator) -> np.ndarray:
    """Keep so many percent of each side, somewhere, and enlarge that."""
    height, width = pixels.shape[:2]
    tall, wide = height * percent / 100, width * percent / 100
    top, left = random.uniform(size=2) * (height - tall, width - wide)
    return _cut(pixels, (left, top, left + wide, top + tall))


def padding(pixels: np.ndarray, percent: float, random: np.random.Generator) -> np.ndarray:
    """Give so many percent of each side to a black border and reduce the picture to the rest."""
    height, width = pixels.shape[:2]
    tall = max(1, round(height * (1 - percent / 100)))
    wide = max(1, round(width * (1 - percent / 100)))
    top, left = (random.uniform(size=2) * (height - tall + 1, width - wide + 1)).astype(int)
    small = _picture(pixels).resize((wide, tall), Image.Resampling.BILINEAR)
    padded = np.zeros_like(pixels)
    padded[top : top + tall, left : left + wide] = _array(small, padded[:tall, :wide])
    return padded


def wider(pixels: np.ndarray, percent: float, _: np.random.Generator) -> np.ndarray:
    """Stretch horizontally about the middle; what leaves the frame is lost."""
    height, width = pixels.shape[:2]
    lost = width * (1 - 1 / (1 + percent / 100)) / 2
    return _cut(pixels, (lost, 0, width - lost, height))


def taller(pixels: np.ndarray, percent: float, _: np.random.Generator) -> np.ndarray:
    """Stretch vertically about the middle; what leaves the frame is lost."""
    height, width = pixels.shape[:2]
    lost = height * (1 - 1 / (1 + percent / 100)) / 2
    return _cut(pixels, (0, lost, width, height - lost))


def rotation(pixels: np.ndarray, degrees: float, random: np.random.Generator) -> np.ndarray:
    """Turn to either side; the nearest pixels fill the corners, or black ones would be a sign."""
    height, width = pixels.shape[:2]
    turned = np.deg2rad(degrees)
    # A corner moves by at most half the diagonal times the angle.
    rim = int(np.ceil(np.hypot(height, width) / 2 * turned)) + 1
    padded = np.pad(pixels, ((rim, rim), (rim, rim), (0, 0)), mode="edge")
    angle = degrees if random.uniform() < 0.5 else -degrees
    image = _picture(padded).rotate(angle, Image.Resampling.BILINEAR)
    return _array(image.crop((rim, rim, rim + width, rim + height)), pixels)


def marker(pixels: np.ndarray, percent: float, random: np.random.Generator) -> np.ndarray:
    """Put a bright letter, so many percent of the side high, into one of the corners."""
    height, width = pixels.shape[:2]
    side = max(4, round(percent / 100 * min(height, width)))
    rim = max(1, round(0.04 * min(height, width)))
    below, right = random.integers(2, size=2)
    top = height - rim - side if below else rim
    left = width - rim - side if right else rim
    marked = pixels.copy()
    marked[top : top + side, left : left + side][letter(side)] = WHITE
    return marked


def collimation(pixels: np.ndarray, percent: float, random: np.random.Generator) -> np.ndarray:
    """Darken each edge, half to the whole of so many percent of the side wide."""
    height, width = pixels.shape[:2]
    shares = percent / 100 * random.uniform(0.5, 1, size=4)
    top, bottom = np.rint(shares[:2] * height).astype(int)
    left, right = np.rint(shares[2:] * width).astype(int)
    dark = _rounded(pixels * COLLIMATED)
    inside = slice(top, height - bottom), slice(left, width - right)
    dark[inside] = pixels[inside]
    return dark


def _cut(pixels: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Enlarge a box (left, top, right, bottom), which may lie between pixels, to the picture."""
    size = pixels.shape[1], pixels.shape[0]
    return _array(_picture(pixels).resize(size, Image.Resampling.BILINEAR, box), pixels)


def _picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def _array(image: Image.Image, like: np.ndarray) -> np.ndarray:
    return np.asarray(image).reshape(like.shape)


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


_GRAYS, _SIDE = "{} gray levels", "{} % of the side"
STRESSES: dict[str, Stress] = {
    stress.name: stress
    for stress in (
        Stress("noise", _GRAYS, (4, 8, 16), noise),
        Stress("blur", _SIDE, (0.3, 0.55, 0.9), blur),
        Stress("sharpening", "{} % more detail", (60, 120, 220), sharpening),
        Stress("resolution", _SIDE, (70, 43, 29), resolution),
        Stress("JPEG", "quality {}", (50, 30, 15), compression),
        Stress("darker gamma", "power {}", (1.22, 1.42, 1.65), gamma),
        Stress("lighter gamma", "power {}", (0.82, 0.70, 0.61), gamma),
        Stress("less contrast", "times {}", (0.85, 0.7, 0.55), contrast),
        Stress("more contrast", "times {}", (1.15, 1.3, 1.5), contrast),
        Stress("darker", _GRAYS, (-10, -20, -35), brightness),
        Stress("brighter", _GRAYS, (10, 20, 35), brightness),
        Stress("equalisation", "{} % mixed in", (30, 60, 100), equalisation),
        Stress("crop", "{} % of the side kept", (95, 90, 82), crop),
        Stress("padding", _SIDE, (5, 10, 18), padding),
        Stress("wider", "{} %", (5, 10, 20), wider),
        Stress("taller", "{} %", (5, 10, 20), taller),
        Stress("rotation", "{} degrees", (3, 7, 12), rotation),
        Stress("marker", _SIDE, (6, 9, 13), marker),
        Stress("collimation", _SIDE, (4, 8, 14), collimation),
    )
}
"""Every stress by its name."""
