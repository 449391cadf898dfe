"""Figures of what probabilities are worth: reliability, accuracy against coverage, net benefit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.report.drawing import Drawing
from zoo.report.style import (
    BLUE,
    INK,
    MUTED,
    VERMILION,
    compact_figure,
    legend_above,
)

STEADY = 0.1
"""Share answered below which a single image moves the accuracy too much to set the scale."""

BELOW = 0.25
"""How far the axis reaches below zero, in prevalences: calling all falls without end."""


def reliability_diagram(calibration: Mapping[str, Any]) -> Drawing:
    """Draw accuracy against confidence in bins of equal size, before and after the temperature."""
    figure, axes = compact_figure("confidence in the class that is named", "share of right answers")
    least = 1.0
    for name, colour in (("before", VERMILION), ("after", BLUE)):
        part = calibration[name]
        x = [entry["confidence"] for entry in part["bins"]]
        y = [entry["accuracy"] for entry in part["bins"]]
        least = min([least, *x, *y])
        when = "as trained" if name == "before" else f"temperature {calibration['temperature']:.2f}"
        label = f"{when}: calibration error {part['ece_mass']:.3f}"
        axes.plot(x, y, color=colour, linewidth=1.5, marker="o", markersize=5, label=label)
    start = max(0.0, least - 0.05)
    axes.plot(
        [start, 1], [start, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 2)), label="ideal"
    )
    axes.set_xlim(start, 1.01)
    axes.set_ylim(start, 1.01)
    legend_above(axes, columns=1)
    return Drawing(figure)


def coverage_figure(coverage: Mapping[str, Any]) -> Drawing | None:
    """Draw the accuracy of the surest answers over the share of images that is answered.

    `coverage` is what `coverage_curve` gives; the shares in `at` are marked. None
    when it has no point.
    """
    x, y = coverage["coverage"], coverage["accuracy"]
    if not x:
        return None
    figure, axes = compact_figure("share of images that is answered", "accuracy of the answers")
    axes.axhline(
        y[-1],
        color=MUTED,
        linewidth=1,
        linestyle=(0, (2, 2)),
        label=f"all answered: {y[-1]:.3f}",
    )
    axes.plot(x, y, color=BLUE, linewidth=1.8, label="surest first")
    steady = [value for place, value in zip(x, y, strict=True) if place >= STEADY]
    least = min(steady or y)
    marks = {
        float(share): value
        for share, value in (coverage.get("at") or {}).items()
        if value is not None and float(share) < 1
    }
    axes.plot(list(marks), list(marks.values()), "o", color=VERMILION, ms=6, mec="white", mew=1)
    room = 0.12 * (1 - least) or 0.01
    axes.set_ylim(least - 2 * room, 1 + room)
    axes.set_xlim(-0.02, 1.02)
    legend_above(axes)
    return Drawing(figure)


def decision_figure(curve: Mapping[str, Any], positive: str = "") -> Drawing | None:
    """Draw the net benefit of the network, of calling all and of calling none.

    `curve` is what `zoo.stats.trade_offs.decision_curve` gives. None when no image is positive.
    """
    prevalence = curve["prevalence"]
    if not prevalence or not curve["threshold"]:
        return None
    named = f"probability from which {positive} is called" if positive else "threshold"
    figure, axes = compact_figure(named, "net benefit (found cases an image)")
    axes.axhline(0, color=INK, linewidth=1.1, label="call none")
    axes.plot(
        curve["threshold"],
        curve["all"],
        color=MUTED,
        linewidth=1.4,
        linestyle=(0, (4, 2)),
        label="call all",
    )
    axes.plot(curve["threshold"], curve["model"], color=BLUE, linewidth=2, label="the network")
    axes.axhline(
        prevalence, color=VERMILION, linewidth=1, linestyle=(0, (1, 2)), label="perfect calls"
    )
    axes.set_ylim(-BELOW * prevalence, 1.08 * prevalence)
    axes.set_xlim(0, 1)
    legend_above(axes, columns=4)
    return Drawing(figure)
