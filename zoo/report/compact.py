"""Figures whose text is large enough on a phone: narrower than the others, legend above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.report.style import FONT, INK, dress, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 5.2
"""Inches; shown 350 pixels wide, 10-point text has 9 pixels."""


def compact_figure(
    x_label: str = "", y_label: str = "", *, height: float = 4.225
) -> tuple[Figure, Axes]:
    """Make a dressed figure of one panel, by default in the proportions of the ROC figure."""
    figure = new_figure(height, WIDTH)
    axes = figure.subplots()
    dress(axes, x_label, y_label)
    return figure, axes


def legend_above(axes: Axes, columns: int = 2) -> None:
    """Put the legend above the axes, where it hides no data."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 1),
        ncols=columns,
        frameon=False,
        labelcolor=INK,
        columnspacing=1.3,
        handlelength=1.6,
        handletextpad=0.5,
        prop={"family": FONT, "size": 9},
    )
