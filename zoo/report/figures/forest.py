"""The forest plot: values with their intervals, one a row, on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.base.number_text import value_text
from zoo.report.drawing import Drawing
from zoo.report.style import (
    BLUE,
    FONT,
    GRID,
    INK,
    MUTED,
    dress,
    new_figure,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, FRAME = 0.44, 0.75
"""Inches of a row, and of the axis and the margins."""
NAME_LETTERS = 46


@dataclass(frozen=True)
class ForestRow:
    """One value with its 95 % interval; `quiet` rows, such as baselines, are drawn in gray."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    quiet: bool = False


def forest_row(name: str, entry: Mapping[str, Any], quiet: bool = False) -> ForestRow | None:
    """Make a row of a {value, low, high}; None where the value is undefined."""
    if entry.get("value") is None:
        return None
    return ForestRow(name, entry["value"], entry.get("low"), entry.get("high"), quiet)


def forest(
    rows: Sequence[ForestRow | None],
    x_label: str,
    *,
    lines: Mapping[float, str],
    signed: bool = False,
) -> Drawing | None:
    """Draw the rows from top to bottom; None when there is nothing to draw.

    `lines` marks values on the scale, such as chance, each with a short text. `signed` writes the
    values with their sign, for differences.
    """
    drawn = [row for row in rows if row is not None]
    if not drawn:
        return None
    figure = new_figure(forest_height(len(drawn), lines))
    draw_forest(figure.subplots(), drawn, x_label, lines=lines, signed=signed)
    return Drawing(figure)


def forest_height(rows: int, lines: Mapping[float, str]) -> float:
    """Return the inches that a forest plot of so many rows needs."""
    return FRAME + ROW * (rows + (0.5 if any(lines.values()) else 0))


def draw_forest(
    axes: Axes,
    rows: Sequence[ForestRow],
    x_label: str,
    *,
    lines: Mapping[float, str],
    signed: bool = False,
) -> None:
    """Draw the rows, of which there is at least one, on axes; the rest is as in `forest`."""
    dress(axes, x_label)
    axes.grid(visible=False, axis="y")
    axes.set_yticks([])
    axes.set_ylim(len(rows) - 0.4, -0.75)
    _scale(axes, rows, lines)
    for place, text in lines.items():
        axes.axvline(place, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        if text:
            axes.annotate(
                plain(text),
                (place, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=8.5,
                color=MUTED,
                family=FONT,
            )
    for place, row in enumerate(rows):
        _row(axes, place, row, signed)


def _scale(axes: Axes, rows: Sequence[ForestRow], lines: Mapping[float, str]) -> None:
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    least, most = min([*ends, *lines]), max([*ends, *lines])
    room = 0.04 * (most - least) or 0.01
    axes.set_xlim(least - room, most + room)
    axes.locator_params(axis="x", nbins=6)


def _row(axes: Axes, place: int, row: ForestRow, signed: bool) -> None:
    colour = MUTED if row.quiet else BLUE
    if row.low is not None and row.high is not None:
        axes.plot(
            [row.low, row.high],
            [place, place],
            color=colour,
            linewidth=3,
            alpha=0.5,
            solid_capstyle="round",
        )
    mark = "D" if row.quiet else "o"
    axes.plot([row.value], [place], mark, color=colour, ms=6, mec="white", mew=1, zorder=3)
    look: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontsize": 9,
        "family": FONT,
        "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    }
    above = place - 0.42
    axes.text(0, above, plain(row.name, NAME_LETTERS), ha="left", color=INK, **look)
    axes.text(1, above, _figures(row, signed), ha="right", color=MUTED, **look)
    axes.axhline(place + 0.26, color=GRID, linewidth=0.6, zorder=0)


def _figures(row: ForestRow, signed: bool) -> str:
    return value_text({"value": row.value, "low": row.low, "high": row.high}, signed=signed)
