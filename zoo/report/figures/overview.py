"""Figures of what a run does over many images, each as a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.report.cases.overlays import OPACITY, UNSIGNED_COLOURS, peak
from zoo.report.drawing import Drawing
from zoo.report.style import (
    FONT,
    INK,
    MUTED,
    SERIES,
    WIDTH,
    compact_figure,
    legend_above,
    new_figure,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from zoo.interpret.overview.embedding_map import EmbeddingMap
    from zoo.interpret.overview.mean_maps import ClassMean, MeanMaps

CLASSES_SHOWN = 4
PICTURE_DPI = 130
"""Pictures hold no finer detail, and a page is sent by mail."""
HEADING = 0.3
"""Inches above a row of pictures."""


def mean_maps_figure(means: MeanMaps, class_names: Sequence[str]) -> Drawing | None:
    """Draw each method's mean map over the mean image, one column a class; None without a map.

    The line is where half of the images have lungs. Each picture has its own scale of colours.
    """
    shown = {label: mean for label, mean in means.classes.items() if mean.maps}
    shown = dict(list(shown.items())[:CLASSES_SHOWN])
    methods = list(dict.fromkeys(method for mean in shown.values() for method in mean.maps))
    if not methods:
        return None
    columns = max(2, len(shown))
    height = WIDTH / columns * len(methods) + HEADING * (len(methods) + 0.5)
    figure = new_figure(height)
    grid = figure.subplots(len(methods), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, method in enumerate(methods):
        for column, (label, mean) in enumerate(shown.items()):
            _mean_map(grid[row, column], mean, method)
            told = f"{method}: {class_names[label]} ({mean.counted.get(method, 0):,})"
            grid[row, column].set_title(
                plain(told, 34), fontsize=9, color=INK, family=FONT, loc="left"
            )
    return Drawing(figure, PICTURE_DPI)


def embedding_figure(points: EmbeddingMap, class_names: Sequence[str]) -> Drawing:
    """Draw the map of embeddings: colour is the true class, the mark what became of the image."""
    figure, axes = compact_figure(height=5.6)
    axes.set_xticks([])
    axes.set_yticks([])
    x, y = points.positions.T
    evaluated = ~points.reference
    for label, name in enumerate(class_names):
        colour, of_class = SERIES[label % len(SERIES)], points.labels == label
        known, seen = of_class & points.reference, of_class & evaluated
        axes.scatter(x[known], y[known], s=5, color=colour, alpha=0.4, linewidths=0)
        axes.scatter(
            x[seen], y[seen], s=20, color=colour, alpha=0.85, linewidths=0, label=plain(name, 24)
        )
    wrong, refused = points.wrong, evaluated & (points.refused != "")
    axes.scatter(
        x[refused],
        y[refused],
        s=70,
        facecolors="none",
        edgecolors=MUTED,
        linewidths=1.1,
        label="refused",
    )
    axes.scatter(
        x[wrong], y[wrong], s=70, color=INK, marker="x", linewidths=1.6, label="wrong", zorder=0.9
    )  # below the dots, whose colour is the true class
    axes.scatter([], [], s=8, color=MUTED, alpha=0.5, linewidths=0, label="training case")
    axes.margins(0.03)
    legend_above(axes, columns=3)
    return Drawing(figure)


def _mean_map(axes: Axes, mean: ClassMean, method: str) -> None:
    from matplotlib import colormaps

    axes.imshow(mean.image, cmap="gray", vmin=0, vmax=255)
    if method in mean.maps:
        values = mean.maps[method]
        evidence = np.clip(values / (peak(values) or 1.0), 0, 1)
        colours = colormaps[UNSIGNED_COLOURS](evidence)
        colours[..., 3] = OPACITY * evidence
        axes.imshow(colours)
    if mean.lungs is not None and mean.lungs.max() > 0.5:
        axes.contour(mean.lungs, levels=[0.5], colors="white", linewidths=1)
