"""The reliability diagram: how often the network is right when it is so and so sure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.report.style import BLUE, MUTED, VERMILION, dress, new_figure, to_png


def reliability_diagram(calibration: Mapping[str, Any]) -> bytes:
    """Draw accuracy against confidence in bins of equal size, before and after the temperature."""
    figure = new_figure(height=5.2)
    axes = figure.subplots()
    dress(axes, "confidence in the class that is named", "share of right answers")
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
    axes.legend(fontsize=9, loc="upper left", framealpha=0.9, edgecolor="none")
    return to_png(figure)
