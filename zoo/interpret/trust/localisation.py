"""Does a map lie where the finding, or the lung, is known to be?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TOLERANCE = 15
"""Pixels around the place that the pointing game forgives, as its authors play it."""
NOTHING = {"inside": 0.0, "pointing": 0.0, "close": 0.0, "near": 0.0, "iou": 0.0}
"""What a map without any evidence has in a place; its area and AUPRC are the place's area."""
SIZES = {"small": (0.0, 0.02), "medium": (0.02, 0.08), "large": (0.08, 1.01)}
"""From which share of the picture, and below which, a place is called so. A square of 2 % of a
picture is 14 % of its side, one of 8 % is 28 %."""


@dataclass(frozen=True)
class Shares:
    """How much of what a map marks lies in a place that is known.

    `inside` is the share of the positive evidence that lies in the place, 0 to 1; `area` is the
    place's share of the image, which is what evidence spread evenly would have there.
    """

    inside: float
    area: float


@dataclass(frozen=True)
class Localisation(Shares):
    """How well a map fits a place that is known.

    `pointing` says whether the highest value lies in it, `near` whether in it or within the
    tolerance, `close` whether within half of that. `auprc` is the area under the precision-recall
    curve of telling the place's pixels by their value, 0 to 1; chance is `area`. `iou` is the
    intersection over union, 0 to 1, of the place and the evidence above Otsu's threshold.
    """

    pointing: bool
    near: bool
    close: bool
    auprc: float
    iou: float


def shares_of(values: np.ndarray, mask: np.ndarray) -> Shares | None:
    """Compare `(height, width)` values with a `(height, width)` bool place, by their shares alone.

    None when the place is empty or nothing in the map is positive.
    """
    evidence = np.maximum(values.astype(np.float64), 0)
    total = evidence.sum()
    if not mask.any() or not np.isfinite(values).all() or total <= 0:
        return None
    return Shares(inside=float(evidence[mask].sum() / total), area=float(mask.mean()))


def localise(
    values: np.ndarray, mask: np.ndarray, tolerance: float = TOLERANCE
) -> Localisation | None:
    """Compare `(height, width)` values with a `(height, width)` bool place.

    `tolerance` is how many pixels around the place are forgiven: all of them by `near`, half of
    them by `close`. None when the place is empty or nothing in the map is positive. Of several
    pixels with the highest value at least half must lie in the place, so that an even map, which
    points nowhere, hits nothing smaller than half of the image.

    Source for the pointing game: Zhang, Lin, Brandt, Shen, Sclaroff, *Top-down Neural Attention
    by Excitation Backprop*, 2016 (who play it with a tolerance of 15 pixels); for AUPRC: Arun and
    others, *Assessing the trustworthiness of saliency maps for localizing abnormalities in medical
    imaging*, 2021; for the intersection over union: Saporta and others, *Benchmarking saliency
    methods for chest X-ray interpretation*, 2022, at the threshold of Otsu, *A threshold selection
    method from gray-level histograms*, 1979.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.filters import threshold_otsu
    from sklearn.metrics import average_precision_score

    shares = shares_of(values, mask)
    if shares is None:
        return None
    values = values.astype(np.float64)
    evidence = np.maximum(values, 0)
    highest = values == values.max()
    away = distance_transform_edt(~mask)[highest]
    marked = evidence > threshold_otsu(evidence)
    return Localisation(
        inside=shares.inside,
        area=shares.area,
        pointing=bool(mask[highest].mean() >= 0.5),
        near=bool((away <= tolerance).mean() >= 0.5),
        close=bool((away <= tolerance / 2).mean() >= 0.5),
        auprc=float(average_precision_score(mask.ravel(), values.ravel())),
        iou=float((marked & mask).sum() / (marked | mask).sum()),
    )


def located(
    maps: np.ndarray, places: Sequence[np.ndarray | None], measures: Sequence[str]
) -> dict[str, np.ndarray]:
    """Compare maps with places; where a map shows nothing it has nothing inside.

    `maps` is `(batch, height, width)`, `places[i]` `(height, width)` bool or None. Returns
    `(batch,)` of each of the `measures` of a Localisation, NaN where no place is known.
    """
    scores = {name: np.full(len(maps), np.nan) for name in measures}
    for i, place in enumerate(places):
        if place is None:
            continue
        found = localise(maps[i], place)
        for name, values in scores.items():
            values[i] = getattr(found, name) if found else NOTHING.get(name, place.mean())
    return scores
