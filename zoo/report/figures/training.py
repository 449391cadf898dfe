"""Pictures of a training and of an evaluation, each as a drawing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from zoo.base.number_text import percent, value_text
from zoo.report.drawing import Drawing
from zoo.report.style import (
    BLUE,
    FONT,
    GREEN,
    GRID,
    INK,
    MUTED,
    PURPLE,
    REST,
    SERIES,
    VERMILION,
    WIDTH,
    compact_figure,
    dress,
    new_figure,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSSES = (("loss", "training", BLUE, "-"), ("val_loss", "validation", VERMILION, "-"))
SCORES = (
    ("accuracy", "training accuracy", BLUE, "-"),
    ("val_accuracy", "validation accuracy", VERMILION, "-"),
    ("val_roc_auc", "validation ROC-AUC", GREEN, "--"),
    ("val_pr_auc", "validation PR-AUC", PURPLE, ":"),
)
MANY_CLASSES = 12
DEEPEST = 1.8
"""The share at which the blue would be deepest: letters can be read on a cell of 1."""


def learning_curves(
    history: Sequence[Mapping[str, Any]], best_epoch: int | None = None
) -> Drawing | None:
    """Draw loss and scores over the epochs, or return None when there is no epoch.

    A row holds `epoch` and any of loss, val_loss, accuracy, val_accuracy, val_roc_auc,
    val_pr_auc, learning_rate and `phase` ('head', 'fine-tune'); missing numbers leave gaps.
    """
    if not history:
        return None
    epochs = _numbers(history)
    rates = _column(history, "learning_rate")
    varying = len({rate for rate in rates if not math.isnan(rate)}) > 1
    figure = new_figure(height=5.6 if varying else 4.7)
    shares = [3, 3, 1] if varying else [3, 3]
    panels = figure.subplots(len(shares), 1, sharex=True, height_ratios=shares)
    for axes, y_label, lines in zip(panels, ("loss", "score"), (LOSSES, SCORES), strict=False):
        _panel(axes, history, epochs, best_epoch, y_label, lines)
    if varying:
        dress(panels[2])
        panels[2].set_ylabel("learning\nrate", fontsize=10, color=INK, fontfamily=FONT)
        panels[2].set_yscale("log")
        panels[2].minorticks_off()
        panels[2].step(epochs, rates, where="mid", color=INK, linewidth=1.4)
    panels[-1].set_xlabel("epoch", fontsize=10, color=INK, fontfamily=FONT)
    panels[-1].xaxis.get_major_locator().set_params(integer=True)
    figure.align_ylabels()
    if best_epoch is not None:
        panels[0].annotate(
            f"best epoch {best_epoch}",
            (best_epoch, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-4 if best_epoch > sum(epochs) / len(epochs) else 4, -4),
            textcoords="offset points",
            ha="right" if best_epoch > sum(epochs) / len(epochs) else "left",
            va="top",
            fontsize=9,
            color=MUTED,
        )
    return Drawing(figure)


def draw_scores(
    axes: Axes, history: Sequence[Mapping[str, Any]], best_epoch: int | None = None
) -> None:
    """Draw the scores over the epochs, of which there is at least one, on axes."""
    _panel(axes, history, _numbers(history), best_epoch, "score", SCORES)
    axes.set_xlabel("epoch", fontsize=10, color=INK, fontfamily=FONT)
    axes.locator_params(axis="x", integer=True)


def confusion_matrix(result: Mapping[str, Any]) -> Drawing:
    """Draw counts and the share of each true class; the colour is the share."""
    confusion, names = result["confusion"], [plain(name, 22) for name in result["class_names"]]
    size = len(names)
    figure = new_figure(height=min(WIDTH, 2.6 + 0.4 * size))
    axes = figure.subplots()
    shares = [[count / max(1, sum(row)) for count in row] for row in confusion]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=DEEPEST)
    small = size > 6
    text_size = 15 if size <= 3 else 10 if not small else 8 if size <= MANY_CLASSES else 5
    for true, row in enumerate(confusion):
        for predicted, count in enumerate(row):
            axes.text(
                predicted,
                true,
                f"{count:,}" if small else f"{count:,}\n{percent(shares[true][predicted])}",
                ha="center",
                va="center",
                fontsize=text_size,
                color=INK,
                linespacing=1.35,
            )
    dress(axes, "predicted class", "true class")
    axes.grid(visible=False)
    long = max(len(name) for name in names) > 9
    axes.set_xticks(range(size), names, rotation=35 if long and size > 3 else 0)
    axes.set_yticks(range(size), names)
    axes.set_xticks([place - 0.5 for place in range(1, size)], minor=True)
    axes.set_yticks([place - 0.5 for place in range(1, size)], minor=True)
    axes.grid(visible=True, which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)
    axes.tick_params(which="major", labelsize=9, colors=INK)
    return Drawing(figure)


def roc_curve(result: Mapping[str, Any]) -> Drawing | None:
    """Draw the ROC curve with its area, interval and operating point; None when undefined."""
    if not result["curves"]:
        return None
    figure, axes = compact_figure("false positive rate (1 - specificity)", "sensitivity")
    draw_roc(axes, result)
    return Drawing(figure)


def draw_roc(axes: Axes, result: Mapping[str, Any]) -> None:
    """Draw on axes what `roc_curve` draws; the result has a curve."""
    dress(axes, "false positive rate (1 - specificity)", "sensitivity")
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 2)), label="chance: 0.5")
    for curve, colour in zip(result["curves"], _colours(), strict=False):
        label = _area_label(result, curve, "roc_auc", "AUC")
        axes.plot(curve["roc"]["x"], curve["roc"]["y"], color=colour, linewidth=2, label=label)
    point = result["operating_point"]
    if point:
        _operating_point(axes, result, point["false_positive_rate"], point["recall"])
    _square(axes)
    _legend(axes, loc="lower right")


def pr_curve(result: Mapping[str, Any]) -> Drawing | None:
    """Draw the precision-recall curve; a line marks what guessing reaches; None when undefined."""
    if not result["curves"]:
        return None
    figure, axes = compact_figure("recall (sensitivity)", "precision")
    curves = result["curves"]
    if len(curves) == 1:
        prevalence = curves[0]["prevalence"]
        axes.axhline(
            prevalence,
            color=MUTED,
            linewidth=1,
            linestyle=(0, (2, 2)),
            label=f"guessing (prevalence): {prevalence:.2f}",
        )
    for curve, colour in zip(curves, _colours(), strict=False):
        label = _area_label(result, curve, "pr_auc", "average precision")
        x, y = curve["pr"]["x"], curve["pr"]["y"]
        axes.step(x, y, where="pre", color=colour, linewidth=2, label=label)
    point = result["operating_point"]
    if point:
        _operating_point(axes, result, point["recall"], point["precision"])
    _square(axes)
    _legend(axes, loc="lower left")
    return Drawing(figure)


def _numbers(history: Sequence[Mapping[str, Any]]) -> list[int]:
    epochs = [int(float(row.get("epoch", place))) for place, row in enumerate(history, 1)]
    if any(later <= earlier for earlier, later in itertools.pairwise(epochs)):
        return list(range(1, len(history) + 1))  # numbered anew in each phase
    return epochs


def _panel(
    axes: Axes,
    history: Sequence[Mapping[str, Any]],
    epochs: list[int],
    best_epoch: int | None,
    y_label: str,
    lines: Sequence[tuple[str, str, str, str]],
) -> None:
    dress(axes, y_label=y_label)
    _phases(axes, history, epochs)
    if best_epoch is not None:
        axes.axvline(best_epoch, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
    for name, title, colour, line in lines:
        values = _column(history, name)
        if all(math.isnan(value) for value in values):
            continue
        mark = "o" if len(epochs) < 20 else None
        axes.plot(
            epochs, values, line, color=colour, linewidth=1.8, marker=mark, ms=3.5, label=title
        )
    if axes.get_legend_handles_labels()[0]:
        _legend(axes, outside=True)


def _column(history: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    values = [row.get(name) for row in history]
    return [math.nan if value in (None, "") else float(value) for value in values]


def _phases(axes: Axes, history: Sequence[Mapping[str, Any]], epochs: list[int]) -> None:
    phases = [str(row.get("phase") or "") for row in history]
    for place in range(1, len(phases)):
        if phases[place] != phases[place - 1]:
            border = (epochs[place] + epochs[place - 1]) / 2
            axes.axvspan(border, epochs[-1] + 0.5, color=GRID, alpha=0.45, linewidth=0, zorder=0)
            axes.text(
                border,
                0.02,
                f" {plain(phases[place], 20)}",
                transform=axes.get_xaxis_transform(),
                fontsize=9,
                color=MUTED,
                va="bottom",
            )


def _area_label(
    result: Mapping[str, Any], curve: Mapping[str, Any], metric: str, title: str
) -> str:
    if len(result["curves"]) > 1:
        return f"{title} {curve[metric]:.3f}  {plain(curve['name'], 24)}"
    entry = result["metrics"][metric]
    return f"{title} {value_text({**entry, 'value': curve[metric]})}"


def _operating_point(axes: Axes, result: Mapping[str, Any], x: float, y: float) -> None:
    threshold = result["threshold"]
    label = "operating point" + (f", threshold {threshold:.3g}" if threshold is not None else "")
    axes.plot(
        [x], [y], "o", color=VERMILION, ms=9, mec="white", mew=1.5, zorder=5, ls="none", label=label
    )


def _colours() -> list[str]:
    return [*SERIES, *([REST] * 200)]


def _square(axes: Axes) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)


def _legend(
    axes: Axes, loc: Literal["best", "lower left", "lower right"] = "best", outside: bool = False
) -> None:
    look: dict[str, Any] = {
        "frameon": not outside,
        "labelcolor": INK,
        "prop": {"family": FONT, "size": 9},
    }
    if outside:
        legend = axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=2, **look)
    else:
        legend = axes.legend(loc=loc, borderpad=0.8, framealpha=0.92, **look)
        legend.get_frame().set_edgecolor(GRID)
