"""Figures of a tuning: the trials in their order, and the scores over each setting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.report.drawing import Drawing
from zoo.report.style import (
    BLUE,
    FONT,
    INK,
    MUTED,
    VERMILION,
    compact_figure,
    dress,
    legend_above,
    new_figure,
    plain,
)
from zoo.training.trial_states import COMPLETE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL, COLUMNS = 2.0, 2
"""Inches of a setting's panel, and how many stand side by side."""


def trials_figure(result: Mapping[str, Any]) -> Drawing | None:
    """Draw the ROC-AUC of each trial, the best so far, and what the best is worth corrected.

    None when no trial has a score. `result` is what `tuning_page` takes.
    """
    if not scored(result):
        return None
    figure, axes = compact_figure()
    draw_trials(axes, result)
    return Drawing(figure)


def scored(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the trials that have a score."""
    return [trial for trial in result["trials"] if trial["roc_auc"] is not None]


def draw_trials(axes: Axes, result: Mapping[str, Any]) -> None:
    """Draw on axes what `trials_figure` draws; a trial has a score."""
    dress(axes, "trial", "ROC-AUC")
    whole = [trial for trial in scored(result) if trial["state"] == COMPLETE]
    left = [trial for trial in scored(result) if trial["state"] != COMPLETE]
    _dots(axes, whole, lambda trial: trial["number"] + 1, filled=True, label="whole trial")
    if left:
        _dots(axes, left, lambda trial: trial["number"] + 1, filled=False, label="given up")
    so_far = np.maximum.accumulate([trial["roc_auc"] for trial in whole])
    numbers = [trial["number"] + 1 for trial in whole]
    last = len(result["trials"])
    axes.step(
        [*numbers, last],
        [*so_far, so_far[-1]],
        where="post",
        color=BLUE,
        linewidth=1.2,
        label="best so far",
        zorder=2,
    )
    as_it_is = result["default"]["roc_auc"]["value"]
    axes.axhline(
        as_it_is, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), label="settings as they were"
    )
    worth = result["corrected"]["roc_auc"]
    place = last + max(1.0, 0.04 * last)
    if worth["low"] is not None:
        axes.plot(
            [place, place],
            [worth["low"], worth["high"]],
            color=VERMILION,
            linewidth=3,
            alpha=0.5,
            solid_capstyle="round",
        )
    axes.plot(
        [place],
        [worth["value"]],
        "D",
        color=VERMILION,
        ms=6,
        mec="white",
        mew=1,
        label="best, corrected",
        ls="none",
        zorder=4,
    )
    axes.set_xlim(0, place + max(0.5, 0.03 * last))
    axes.locator_params(axis="x", integer=True)
    legend_above(axes, columns=3)


def settings_figure(result: Mapping[str, Any]) -> Drawing | None:
    """Draw for each setting that was searched the scores over its values; None without any."""
    trials = [trial for trial in scored(result) if trial["settings"]]
    if not trials:
        return None
    space = result["space"]
    rows = math.ceil(len(space) / COLUMNS)
    figure = new_figure(0.2 + PANEL * rows)
    panels = figure.subplots(rows, COLUMNS, squeeze=False, sharey=True).ravel()
    for axes, part in zip(panels, space, strict=False):
        _setting(axes, part, trials)
    for axes in panels[len(space) :]:
        axes.set_visible(False)
    for number, axes in enumerate(panels[: len(space)]):
        if number % COLUMNS == 0:
            axes.set_ylabel("ROC-AUC", fontsize=9, color=INK, fontfamily=FONT)
    return Drawing(figure)


def _setting(axes: Axes, part: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> None:
    name, values = part["name"], part["values"]
    dress(axes, name)
    axes.xaxis.label.set_fontsize(9)
    axes.tick_params(labelsize=8)

    def place(trial: Mapping[str, Any]) -> float:
        value = trial["settings"][name]
        if values is None:
            return float(value)
        spread = 0.12 * math.sin(7 * trial["number"])  # so that equal values can be told apart
        return values.index(value) + spread

    for filled in (True, False):
        chosen = [trial for trial in trials if (trial["state"] == COMPLETE) == filled]
        _dots(axes, chosen, place, filled=filled)
    if values is not None:
        axes.set_xticks(range(len(values)), [plain(str(value), 14) for value in values])
        axes.set_xlim(-0.5, len(values) - 0.5)
    elif part["logarithmic"]:
        axes.set_xscale("log")
        axes.minorticks_off()
    else:
        axes.locator_params(axis="x", nbins=5)
    axes.locator_params(axis="y", nbins=4)


def _dots(
    axes: Axes,
    trials: Sequence[Mapping[str, Any]],
    place: Any,
    *,
    filled: bool,
    label: str | None = None,
) -> None:
    axes.plot(
        [place(trial) for trial in trials],
        [trial["roc_auc"] for trial in trials],
        "o",
        color=BLUE if filled else MUTED,
        mfc=BLUE if filled else "none",
        mec="white" if filled else MUTED,
        ms=5,
        mew=0.6 if filled else 0.9,
        ls="none",
        label=label,
        zorder=3,
    )
