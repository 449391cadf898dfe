"""The learning curve over data: scores over the number of training images, and where it leads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.report.drawing import Drawing
from zoo.report.style import (
    BLUE,
    FONT,
    GREEN,
    INK,
    MUTED,
    VERMILION,
    compact_figure,
    dress,
    legend_above,
    plain,
)
from zoo.report.tables import TITLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SERIES = (
    ("train", "training", BLUE, "-"),
    ("validation", "validation", GREEN, "--"),
    ("test", "test", VERMILION, "-"),
)
BANDS = frozenset({"train", "test"})
"""Validation is drawn without its band: it lies on that of the test part."""


def learning_figure(result: Mapping[str, Any]) -> Drawing | None:
    """Draw mean and range over the seeds at each size, and the fitted power law beyond them.

    None when no point has a score. `result` is what `learning_page` takes.
    """
    if not has_scores(result):
        return None
    figure, axes = compact_figure()
    draw_learning(axes, result)
    return Drawing(figure)


def has_scores(result: Mapping[str, Any]) -> bool:
    """Tell whether any point of a learning curve has a score."""
    return any(known(point, name) for point in result["points"] for name, *_ in SERIES)


def draw_learning(axes: Axes, result: Mapping[str, Any]) -> None:
    """Draw on axes what `learning_figure` draws; a point has a score."""
    points = sorted(result["points"], key=lambda point: point["images"])
    drawn = [name for name, *_ in SERIES if any(known(point, name) for point in points)]
    dress(axes, "number of training images", TITLES.get(result["metric"], result["metric"]))
    axes.set_xscale("log")
    for name, label, colour, line in SERIES:
        if name in drawn:
            _series(axes, points, name, label, colour, line)
    sizes = [point["images"] for point in points]
    extrapolation = result.get("extrapolation")
    if extrapolation:
        _fit(axes, extrapolation["curve"], extrapolation["images"])
        sizes.append(round(extrapolation["curve"]["images"][-1]))
    _size_axis(axes, sizes)
    legend_above(axes, columns=len(drawn) + bool(extrapolation))


def known(point: Mapping[str, Any], name: str) -> list[float]:
    """Return the scores of a point that are defined, one a seed."""
    return [value for value in point.get(name) or () if value is not None]


def _series(
    axes: Axes, points: Sequence[Mapping[str, Any]], name: str, label: str, colour: str, line: str
) -> None:
    measured = [(point["images"], known(point, name)) for point in points]
    measured = [(images, values) for images, values in measured if values]
    x = [images for images, _ in measured]
    mean = [sum(values) / len(values) for _, values in measured]
    if name in BANDS:
        low, high = [min(values) for _, values in measured], [max(v) for _, v in measured]
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(
        x,
        mean,
        line,
        color=colour,
        linewidth=1.6,
        marker="o",
        ms=4,
        mec="white",
        mew=0.6,
        label=label,
        zorder=3,
    )


def _fit(axes: Axes, curve: Mapping[str, Sequence[float | None]], last: int) -> None:
    x, best, low, high = (
        [math.nan if value is None else value for value in curve[key]]
        for key in ("images", "error", "low", "high")
    )
    axes.fill_between(
        x,
        [1 - error for error in high],
        [1 - error for error in low],
        color=MUTED,
        alpha=0.15,
        linewidth=0,
        zorder=0,
    )
    axes.plot(
        x,
        [1 - error for error in best],
        color=MUTED,
        linewidth=1.3,
        linestyle=(0, (4, 2)),
        label="power law",
        zorder=2,
    )
    axes.axvline(last, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
    axes.annotate(
        "all images",
        (last, 0),
        xycoords=("data", "axes fraction"),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=8.5,
        color=MUTED,
        family=FONT,
    )


def _size_axis(axes: Axes, sizes: Sequence[int]) -> None:
    """Write the measured sizes below the axis, leaving out those too close to be read."""
    shown: list[int] = []
    for size in reversed(sizes):
        if not shown or shown[-1] / size > 1.45:
            shown.append(size)
    axes.set_xticks(shown, [plain(f"{size:,}") for size in shown], color=INK)
    axes.minorticks_off()
