"""How bright the images of each class are: a difference here is a shortcut to the answer."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.report.drawing import Drawing
from zoo.report.style import BLUE, GRID, INK, dress, new_figure, plain

ROW, FRAME = 0.5, 0.7
"""Inches of a class, and of the axis and the margins."""
BOX = {
    "low": "whislo",
    "quartile1": "q1",
    "median": "med",
    "quartile3": "q3",
    "high": "whishi",
}
"""Our names of the five values, and matplotlib's."""


def exposure_figure(exposure: Mapping[str, Mapping[str, float]]) -> Drawing | None:
    """Draw one box a class: its median and quartiles, with whiskers; None without a class.

    `exposure` gives low, quartile1, median, quartile3 and high of the mean gray value by class.
    """
    boxes = [
        {"label": plain(name, 22), **{BOX[key]: entry[key] for key in BOX}, "fliers": []}
        for name, entry in exposure.items()
        if all(entry.get(key) is not None for key in BOX)
    ]
    if not boxes:
        return None
    figure = new_figure(FRAME + ROW * len(boxes))
    axes = figure.subplots()
    dress(axes, "mean gray value of an image")
    axes.grid(visible=False, axis="y")
    line = {"color": INK, "linewidth": 1.1}
    axes.bxp(
        boxes,
        orientation="horizontal",
        widths=0.5,
        patch_artist=True,
        showfliers=False,
        boxprops={"facecolor": BLUE, "alpha": 0.35, "edgecolor": BLUE, "linewidth": 1},
        medianprops={"color": BLUE, "linewidth": 2.4},
        whiskerprops=line,
        capprops=line,
    )
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=9, labelcolor=INK)
    for place in range(1, len(boxes)):
        axes.axhline(place + 0.5, color=GRID, linewidth=0.6, zorder=0)
    return Drawing(figure)
