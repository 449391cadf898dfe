"""Means over images with 95 % intervals that count patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.stats import delong

Patients = np.ndarray | Sequence[str]


def mean_share(
    values: np.ndarray, among: np.ndarray, patients: Patients
) -> dict[str, float | None]:
    """Return {value, low, high} of the mean of `(n,)` values from 0 to 1 over some images.

    `among` is `(n,)` bool. All None when it holds no image.
    """
    return delong.share(values, among, patients).within(patients)


def mean_shift(
    after: np.ndarray, before: np.ndarray, among: np.ndarray, patients: Patients
) -> dict[str, Any]:
    """Return {value, low, high, p} of the mean of after less before, both `(n,)` from 0 to 1."""
    value, moved = delong.mean(after - before, among)
    return mean_difference(value, moved, 0.0, np.zeros_like(moved), patients)


def mean_difference(
    value_a: float,
    influence_a: np.ndarray,
    value_b: float,
    influence_b: np.ndarray,
    patients: Patients,
) -> dict[str, Any]:
    """Return {value, low, high, p} of a paired difference as plain data; None where undefined."""
    return delong.difference(value_a, influence_a, value_b, influence_b, patients).to_record()
