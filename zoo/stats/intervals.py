"""Bootstrap intervals that treat the patient, not the image, as the unit.

Images of one patient resemble each other; counting them as independent would make every
interval too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

CONFIDENCE = 0.95

USABLE_SHARE = 0.5
"""Share of the resamples in which a figure must be defined before an interval is given."""

CHUNK_CELLS = 2_000_000
"""Weights held in memory at a time: 16 MB."""


def patient_rows(patients: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the patients from 0: `(n,)` int, and how many there are."""
    names, rows = np.unique(patients, return_inverse=True)
    return rows.reshape(-1), len(names)


def resample(patients: int, resamples: int, seed: int) -> np.ndarray:
    """Draw patients with replacement: `(resamples, patients)`, how often each was drawn.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.
    """
    return _drawn(np.random.default_rng(seed), patients, resamples)


def image_weights(rows: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Give each image how often its patient was drawn, `(some resamples, n)` at a time.

    `rows` is `(n,)`, the patients by number. They are drawn as `resample` draws them, which would
    take 0.8 GB for 1,000 resamples of 100,000 patients at once.
    """
    generator, patients = np.random.default_rng(seed), int(rows.max()) + 1
    step = max(1, CHUNK_CELLS // len(rows))
    for start in range(0, max(1, resamples), step):
        yield _drawn(generator, patients, min(step, resamples - start))[:, rows]


def _drawn(generator: np.random.Generator, patients: int, resamples: int) -> np.ndarray:
    chances = np.full(patients, 1 / patients)
    return generator.multinomial(patients, chances, size=resamples).astype(np.float64)


def percentile_interval(values: np.ndarray) -> tuple[float, float] | None:
    """Return the middle 95 % of the bootstrap values, or None when too few are defined.

    All values equal gives None too: the bootstrap then says nothing about the uncertainty.
    """
    defined = values[np.isfinite(values)]
    if len(defined) < max(2, USABLE_SHARE * len(values)):
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    if np.isclose(low, high, rtol=0, atol=1e-12):
        return None
    return float(low), float(high)


def exact_bound(value: float, patients: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of a share that is exactly 0 or 1 among independent patients.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits", 1934.
    """
    reach = ((1 - confidence) / 2) ** (1 / patients)
    return (reach, 1.0) if value == 1 else (0.0, 1 - reach)


def least_lead(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Return how far one figure lies above another at least: the lower limit of the difference.

    Both are {value, low, high} of different images; one without an interval counts as exact.

    Source: Zou and Donner, "Construction of confidence limits about effect measures: A general
    approach", 2008.
    """
    below = one["value"] - (one["value"] if one["low"] is None else one["low"])
    above = (other["value"] if other["high"] is None else other["high"]) - other["value"]
    return float(one["value"] - other["value"] - math.hypot(below, above))


def stands_out(area: dict[str, Any], limit: float) -> bool:
    """Tell whether an area is above a limit, and above chance beyond its interval."""
    return area["low"] is not None and area["value"] > limit and area["low"] > 0.5
