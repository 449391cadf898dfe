"""The decision curve: at which thresholds acting on the network does more good than harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.report.compact import compact_figure, legend_above
from zoo.report.style import BLUE, INK, MUTED, VERMILION, to_png

BELOW = 0.25
"""How far the axis reaches below zero, in prevalences: calling all falls without end."""


def decision_figure(curve: Mapping[str, Any], positive: str = "") -> bytes | None:
    """Draw the net benefit of the network, of calling all and of calling none.

    `curve` is what `zoo.benefit.decision_curve` gives. None when no image is positive.
    """
    prevalence = curve["prevalence"]
    if not prevalence or not curve["threshold"]:
        return None
    named = f"probability from which {positive} is called" if positive else "threshold"
    figure, axes = compact_figure(named, "net benefit (found cases an image)")
    axes.axhline(0, color=INK, linewidth=1.1, label="call none")
    axes.plot(
        curve["threshold"], curve["all"], color=MUTED, linewidth=1.4, linestyle=(0, (4, 2)),
        label="call all",
    )  # fmt: skip
    axes.plot(curve["threshold"], curve["model"], color=BLUE, linewidth=2, label="the network")
    axes.axhline(
        prevalence, color=VERMILION, linewidth=1, linestyle=(0, (1, 2)), label="perfect calls"
    )
    axes.set_ylim(-BELOW * prevalence, 1.08 * prevalence)
    axes.set_xlim(0, 1)
    legend_above(axes, columns=4)
    return to_png(figure)
