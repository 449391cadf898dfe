"""Figures of a comparison: areas with intervals, every training as a dot, pairs of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.report.drawing import Drawing
from zoo.report.figures.forest import ForestRow, forest, forest_row
from zoo.report.style import (
    FONT,
    GRID,
    INK,
    SERIES,
    dress,
    legend_above,
    new_figure,
    plain,
)

ROW, FRAME = 0.55, 1.15
"""Inches of a model's row of dots, and of the axis and the legend."""
MANY_SEEDS = 6


def model_forest(result: Mapping[str, Any]) -> Drawing | None:
    """Draw the ROC-AUC of the models and, in gray below them, of the baselines."""
    return forest(model_rows(result), "ROC-AUC", lines={0.5: "chance"})


def model_rows(result: Mapping[str, Any]) -> list[ForestRow]:
    """Return a row for each model and baseline whose ROC-AUC is defined."""
    models = [forest_row(entry["name"], entry["roc_auc"]) for entry in result["entries"]]
    baselines = [
        forest_row(entry["title"], entry["roc_auc"], quiet=True) for entry in result["baselines"]
    ]
    return [row for row in (*models, *baselines) if row is not None]


def pair_forest(pairs: Sequence[Mapping[str, Any]]) -> Drawing | None:
    """Draw the difference in ROC-AUC of each pair of models, the first minus the second."""
    rows = [forest_row(f"{pair['a']} - {pair['b']}", pair["difference"]) for pair in pairs]
    return forest(rows, "difference in ROC-AUC", lines={0.0: "no difference"}, signed=True)


def training_dots(entries: Sequence[Mapping[str, Any]]) -> Drawing | None:
    """Draw the ROC-AUC of every training: one row a model, one dot a fold, one colour a seed.

    A vertical stroke marks the mean of a row. None when no model was trained twice.
    """
    rows = [(entry["name"], _cells(entry)) for entry in entries]
    rows = [(name, cells) for name, cells in rows if cells]
    if all(len(cells) == 1 for _, cells in rows):
        return None
    seeds = sorted({cell["seed"] for _, cells in rows for cell in cells})
    few = len(seeds) <= MANY_SEEDS
    figure = new_figure(FRAME + ROW * len(rows))
    axes = figure.subplots()
    dress(axes, "ROC-AUC of each training")
    axes.grid(visible=False, axis="y")
    axes.set_yticks([])
    axes.set_ylim(len(rows) - 0.5, -0.65)
    for place, (name, cells) in enumerate(rows):
        for number, seed in enumerate(seeds):
            x = [cell["roc_auc"] for cell in cells if cell["seed"] == seed]
            lane = place + 0.16 + 0.32 * ((number + 0.5) / len(seeds) - 0.5)
            axes.plot(
                x,
                [lane] * len(x),
                "o",
                color=SERIES[number] if few else SERIES[0],
                ms=4.5,
                mec="white",
                mew=0.6,
                alpha=0.9,
                ls="none",
                label=f"seed {seed}" if few and place == 0 else None,
            )
        mean = sum(cell["roc_auc"] for cell in cells) / len(cells)
        axes.plot([mean, mean], [place - 0.04, place + 0.36], color=INK, linewidth=1.6, zorder=4)
        axes.text(
            0,
            place - 0.26,
            plain(name, 40),
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=9,
            color=INK,
            family=FONT,
        )
        axes.axhline(place + 0.48, color=GRID, linewidth=0.6, zorder=0)
    axes.locator_params(axis="x", nbins=6)
    if few:
        legend_above(axes, columns=min(len(seeds), 4))
    return Drawing(figure)


def _cells(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [cell for cell in entry.get("cells") or () if cell.get("roc_auc") is not None]
