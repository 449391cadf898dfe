"""Accuracy against coverage: what is gained when the least certain images go to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.report.compact import compact_figure, legend_above
from zoo.report.style import BLUE, MUTED, VERMILION, to_png

STEADY = 0.1
"""Share answered below which a single image moves the accuracy too much to set the scale."""


def coverage_figure(coverage: Mapping[str, Any]) -> bytes | None:
    """Draw the accuracy of the surest answers over the share of images that is answered.

    `coverage` is what `zoo.coverage.coverage_curve` gives; the shares in `at` are marked. None
    when it has no point.
    """
    x, y = coverage["coverage"], coverage["accuracy"]
    if not x:
        return None
    figure, axes = compact_figure("share of images that is answered", "accuracy of the answers")
    axes.axhline(
        y[-1], color=MUTED, linewidth=1, linestyle=(0, (2, 2)),
        label=f"all answered: {y[-1]:.3f}",
    )  # fmt: skip
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
    return to_png(figure)
