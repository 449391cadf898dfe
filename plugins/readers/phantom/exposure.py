"""From attenuation to a film: exposure, tone, blur, grain and the marker in the corner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Take:
    """How one image was taken; no setting knows of any finding."""

    centre: float
    """Attenuation that comes out as middle gray."""
    contrast: float
    tilt: tuple[float, float]
    """Uneven field of the tube, left to right and top to bottom."""
    blur: float
    """Standard deviation in parts of the image side."""
    grain: float
    marker: int
    """Corner of the side marker: -1 left, 1 right, 0 when there is none."""


def draw(rng: np.random.Generator) -> Take:
    """Draw the settings of one image."""
    return Take(
        centre=rng.uniform(0.62, 0.86),
        contrast=rng.uniform(2.6, 4.4),
        tilt=(rng.normal(0.0, 0.05), rng.normal(0.0, 0.05)),
        blur=rng.uniform(0.0015, 0.004),
        grain=rng.uniform(0.005, 0.018),
        marker=int(rng.choice((-1, 0, 1), p=(0.2, 0.5, 0.3))),
    )


def expose(attenuation: np.ndarray, take: Take, rng: np.random.Generator) -> np.ndarray:
    """Turn `(size, size)` attenuation into `(size, size)` uint8 gray."""
    from scipy import ndimage

    size = attenuation.shape[0]
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    seen = ndimage.gaussian_filter(attenuation, take.blur * size)
    seen = seen + take.tilt[0] * ramp + take.tilt[1] * ramp[:, None]
    film = 1 / (1 + np.exp(-take.contrast * (seen - take.centre)))
    film += take.grain * rng.standard_normal((size, size), np.float32)
    if take.marker:
        _stamp(film, take.marker)
    return np.rint(255 * np.clip(film, 0, 1)).astype(np.uint8)


def _stamp(film: np.ndarray, side: int) -> None:
    """Put the lead letter L into an upper corner, as radiographers do."""
    size = len(film)
    unit = max(size // 75, 1)
    left = 3 * unit if side < 0 else size - 8 * unit
    top = 4 * unit
    film[top : top + 7 * unit, left : left + unit] = 0.96
    film[top + 6 * unit : top + 7 * unit, left : left + 5 * unit] = 0.96
