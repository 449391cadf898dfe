"""Axes of the application's plots: marks at round numbers that differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.web.app.plots import TICKS, Plot


def marks(low: float, high: float) -> list[str]:
    plot = Plot("t", "r", "x", "y", (), y_range=(low, high))
    return [text for _, text in plot.y_ticks()]


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.11, 0.61, ["0.2", "0.3", "0.4", "0.5", "0.6"]),
        (0.39, 1.0, ["0.4", "0.6", "0.8", "1.0"]),
        (0.985, 0.989, ["0.985", "0.986", "0.987", "0.988", "0.989"]),
        (0.5, 0.5, ["0.5"]),
    ],
)
def test_marks_are_round(low: float, high: float, told: list[str]) -> None:
    assert marks(low, high) == told


@given(st.floats(-100, 100), st.floats(1e-4, 200))
def test_marks_differ_lie_in_the_range_and_are_few(low: float, span: float) -> None:
    found = marks(low, low + span)
    assert len(set(found)) == len(found)
    assert 2 <= len(found) <= TICKS + 1
    assert all(low - span / 100 <= float(text) <= low + span * 1.01 for text in found)
