"""How the error falls with the number of training images, and what more of them would bring.

The law is error(n) = limit + scale * n ** -exponent: an error that no number of images removes,
and a part that falls by the same factor with each doubling.

Sources: Figueroa, Zeng-Treitler, Kandula, Ngo, "Predicting sample size required for classification
performance", 2012; Hestness et al., "Deep learning scaling is predictable, empirically", 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.base.errors import BadInput, InvalidSetting
from zoo.stats.intervals import CONFIDENCE, percentile_interval, resample

STEEPEST = 2.0
"""Largest exponent considered; those reported lie between 0.07 and 0.5, sqrt(n) being 0.5."""
CURVE_POINTS = 50
SIZES_FOR_A_LIMIT = 3
"""Distinct sizes below which a limit cannot be told from a slow fall, and is taken as 0."""
STEP = 0.05
"""Of the grid of exponents; the best of them is then refined to 0.000001 between its neighbours."""
NEGLIGIBLE = 1e-9
"""A falling part this small beside the limit is rounding."""


@dataclass(frozen=True)
class PowerLaw:
    """error(n) = limit + scale * n ** -exponent."""

    limit: float
    scale: float
    exponent: float

    def at(self, images: float) -> float:
        """Return the error expected with this many training images."""
        return self.limit + self.scale * images**-self.exponent


def fit_power_law(images: Sequence[float], errors: Sequence[float]) -> PowerLaw:
    """Return the law with the least squared error, with limit and scale >= 0, exponent 0 to 2.

    `images` are training-set sizes, above 0, `errors` what was measured with them, not negative
    (1 - AUC, say). For a given exponent the law is linear, so the best limit and scale are those of
    non-negative least squares and only the exponent is searched, over its whole range: no start
    values. Errors that do not fall give a constant: exponent and scale 0. With fewer than three
    distinct sizes the limit is 0, and the scale is the constant.

    Raises:
        BadInput: fewer than two distinct sizes, or values outside these ranges.

    Source of the least squares: Lawson and Hanson, "Solving Least Squares Problems", 1974.
    """
    sizes, measured = _check(images, errors)
    limit, reducible, exponent = map(float, _best(sizes, measured, np.ones(len(sizes))))
    return PowerLaw(limit, reducible * float(sizes.max()) ** exponent, exponent)


def extrapolate(
    images: Sequence[float],
    errors: Sequence[float],
    groups: Sequence[Any],
    factor: float = 2.0,
    resamples: int = 500,
    seed: int = 0,
) -> dict[str, Any]:
    """Say what `factor` times as many images would bring, with 95 % bootstrap intervals.

    `groups` names for each point what was drawn anew for it, a seed say; whole groups are
    resampled. With a single group the residuals of the fit are. A bootstrap of few groups gives
    too narrow an interval, so each is widened as Student's t is wider than the normal distribution.
    An interval reaches as far from the value as the resamples do from their median, so that the
    value lies inside it. The intervals hold what another draw of groups would change: not another
    test set, not a law of another form. Plain data:

        images              the largest size measured
        now, then           {value, low, high}: the law's error there and at `factor` times it
        gain                {value, low, high}: now less then
        exponent, limit     {value, low, high} of the law
        curve               {images, error, low, high}: 50 points from the smallest size measured
                            to `factor` times the largest, evenly on a logarithmic axis

    low and high are null where the resamples do not differ.

    Raises:
        BadInput: as `fit_power_law`.
        InvalidSetting: a factor that is not above 1.

    Sources: Davison and Hinkley, "Bootstrap methods and their application", 1997, for pairs and
    residuals; Hesterberg, "What teachers should know about the bootstrap", 2015, for few groups.
    """
    if not 1 < factor < np.inf:
        raise InvalidSetting(f"The factor is {factor}; expected more than 1, such as 2.")
    sizes, measured = _check(images, errors)
    if len(groups) != len(sizes):
        raise ValueError(f"{len(groups)} groups for {len(sizes)} points")
    largest = float(sizes.max())
    law = _best(sizes, measured, np.ones(len(sizes)))[:, None]
    laws, widening = _refit(sizes, measured, np.asarray(groups, str), law, resamples, seed)
    every = np.concatenate([law, laws], axis=1)

    def entry(values: np.ndarray, highest: float = np.inf) -> dict[str, float | None]:
        return _entry(values[0], values[1:], widening, highest)

    now, then = (_error(every, largest, largest * times) for times in (1.0, factor))
    along = np.geomspace(sizes.min(), largest * factor, CURVE_POINTS)
    entries = [entry(_error(every, largest, place)) for place in along]
    return {
        "images": int(largest),
        "now": entry(now),
        "then": entry(then),
        "gain": entry(now - then),
        "exponent": entry(every[2], STEEPEST),
        "limit": entry(every[0]),
        "curve": {
            "images": along.tolist(),
            "error": [place["value"] for place in entries],
            "low": [place["low"] for place in entries],
            "high": [place["high"] for place in entries],
        },
    }


def _check(images: Sequence[float], errors: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    sizes, measured = np.asarray(images, np.float64), np.asarray(errors, np.float64)
    if sizes.ndim != 1 or sizes.shape != measured.shape:
        raise ValueError(f"sizes {sizes.shape} and errors {measured.shape} do not fit each other")
    if not (np.isfinite(sizes) & (sizes > 0)).all():
        raise BadInput("A training-set size is not above 0. Expected numbers of images.")
    if not (np.isfinite(measured) & (measured >= 0)).all():
        raise BadInput("An error is negative or not a number. Expected, for example, 1 - AUC.")
    if len(np.unique(sizes)) < 2:
        raise BadInput(
            f"A learning curve needs at least two training-set sizes; received "
            f"{len(np.unique(sizes))}. Measure the error with more of them."
        )
    return sizes, measured


def _refit(
    sizes: np.ndarray,
    measured: np.ndarray,
    groups: np.ndarray,
    law: np.ndarray,
    resamples: int,
    seed: int,
) -> tuple[np.ndarray, float]:
    """Return `(3, resamples)` laws of the resampled points, and how much to widen intervals."""
    names, rows = np.unique(groups, return_inverse=True)
    number = len(names)
    if number > 1:
        # Few groups can be drawn in few ways: each is fitted once.
        counts, place = np.unique(resample(number, resamples, seed), axis=0, return_inverse=True)
        fits = [_best(sizes, measured, drawn[rows.reshape(-1)]) for drawn in counts]
        laws = np.stack(fits, axis=1)[:, place.reshape(-1)]
        return laws, _widening(number - 1) * np.sqrt(number / (number - 1))
    expected = _error(law, float(sizes.max()), sizes)
    # A fit comes closer to its points than the truth does: three constants were free to move.
    free = max(1, len(sizes) - len(law))
    residuals = measured - expected
    residuals = (residuals - residuals.mean()) * np.sqrt(len(sizes) / free)
    drawn = np.random.default_rng(seed).integers(0, len(sizes), (resamples, len(sizes)))
    alike = np.ones(len(sizes))
    fits = [_best(sizes, again, alike) for again in expected + residuals[drawn]]
    return np.stack(fits, axis=1), _widening(free)


def _widening(free: int) -> float:
    """Return how much wider Student's t is than the normal distribution."""
    from scipy.stats import norm, t

    tail = (1 + CONFIDENCE) / 2
    return float(t.ppf(tail, free) / norm.ppf(tail))


def _best(sizes: np.ndarray, errors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Fit `(points,)` errors and weights: `(3,)`, NaN where fewer than two sizes have a weight.

    These are the limit, the rest of the error at the largest size, and the exponent.
    """
    from scipy.optimize import minimize_scalar, nnls

    drawn = weights > 0
    levels = len(np.unique(sizes[drawn]))
    if levels < 2:
        return np.full(3, np.nan)
    relative, root = sizes[drawn] / sizes.max(), np.sqrt(weights[drawn])
    limited = levels < SIZES_FOR_A_LIMIT

    def solved(exponent: float) -> tuple[float, np.ndarray]:
        constant = np.full(len(relative), float(not limited))
        parts = np.stack([constant, relative**-exponent], axis=1)
        constants, distance = nnls(root[:, None] * parts, root * errors[drawn])
        return distance, constants

    def distance(exponent: float) -> float:
        return solved(exponent)[0]

    best = min(np.linspace(0, STEEPEST, round(STEEPEST / STEP) + 1), key=distance)
    near = (max(0.0, best - STEP), min(STEEPEST, best + STEP))
    minimum = minimize_scalar(distance, bounds=near, method="bounded", options={"xatol": 1e-6})
    exponent = min(best, minimum.x, key=distance)
    limit, reducible = solved(exponent)[1]
    if reducible <= NEGLIGIBLE * limit:
        exponent = 0.0
    if exponent == 0 and not limited:  # all of a constant is the limit
        limit, reducible = limit + reducible, 0.0
    return np.array([limit, reducible, exponent])


def _error(laws: np.ndarray, largest: float, images: float | np.ndarray) -> np.ndarray:
    """Return the error of each of the `(3, sets)` laws; with one law, `images` may be several."""
    return laws[0] + laws[1] * (images / largest) ** -laws[2]


def _entry(
    value: float, spread: np.ndarray, widening: float, highest: float
) -> dict[str, float | None]:
    interval = percentile_interval(spread)
    if interval is None:
        return {"value": float(value), "low": None, "high": None}
    middle = float(np.nanmedian(spread))
    low, high = (float(value + widening * (end - middle)) for end in interval)
    return {"value": float(value), "low": max(0.0, low), "high": min(highest, high)}
