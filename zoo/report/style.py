"""One look for every figure: colours, sizes and the way to PNG, without any global state.

Figures are made with matplotlib's object interface and the Agg canvas, never with pyplot, so
that threads of the app can draw at the same time. Colours are Okabe and Ito's, which people with
any colour vision can tell apart ("Color Universal Design", 2008).
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, SKY, ORANGE = "#AA4499", "#56B4E9", "#E69F00"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
INK, MUTED, GRID, PAPER = "#1f2933", "#5f6b7a", "#e3e7ec", "#ffffff"
REST = "#8a94a1"
"""Series beyond those that colours can tell apart."""

FONT = "DejaVu Sans"
WIDTH = 5.2
"""Inches; shown 350 pixels wide, as on a phone, 10-point text has 9 pixels."""
DPI = 200


def new_figure(
    height: float, width: float = WIDTH, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """Make an empty figure of that size in inches; a layout costs drawing it twice."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=PAPER, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def dress(axes: Axes, x_label: str = "", y_label: str = "") -> None:
    """Give axes the common look: light grid, no box, muted ticks, the labels."""
    axes.set_xlabel(plain(x_label), fontsize=10, color=INK, fontfamily=FONT)
    axes.set_ylabel(plain(y_label), fontsize=10, color=INK, fontfamily=FONT)
    axes.tick_params(labelsize=9, colors=MUTED, length=0, pad=5, labelfontfamily=FONT)
    axes.grid(visible=True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def to_png(figure: Figure, dpi: int = DPI) -> bytes:
    """Encode a figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def plain(text: str, limit: int = 60) -> str:
    """Make any text safe to draw: one line, no mathematics, shortened, known letters only."""
    text = " ".join(text.split())
    if len(text) > limit:
        half = (limit - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    known = _letters()
    return "".join(letter if ord(letter) in known else "□" for letter in text).replace("$", r"\$")


@functools.cache
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(FONT)).get_charmap())


def compact_figure(
    x_label: str = "", y_label: str = "", *, height: float = 4.225
) -> tuple[Figure, Axes]:
    """Make a dressed figure of one panel, by default in the proportions of the ROC figure."""
    figure = new_figure(height)
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
