"""Limits of a difference against what independent draws give."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.stats.intervals import least_lead


def test_the_lower_limit_of_a_difference_is_that_of_normal_figures():
    one = {"value": 0.9, "low": 0.9 - 1.96 * 0.03, "high": 0.95}
    other = {"value": 0.8, "low": 0.7, "high": 0.8 + 1.96 * 0.04}
    draws = np.random.default_rng(0).normal((0.9, 0.8), (0.03, 0.04), (200_000, 2))
    expected = np.quantile(draws[:, 0] - draws[:, 1], 0.025)
    assert least_lead(one, other) == pytest.approx(expected, abs=2e-3)


def test_a_figure_without_an_interval_counts_as_exact():
    exact = {"value": 0.9, "low": None, "high": None}
    other = {"value": 0.8, "low": 0.7, "high": 0.85}
    assert least_lead(exact, other) == pytest.approx(0.05)
    assert least_lead(exact, exact) == 0
