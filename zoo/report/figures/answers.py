"""An answer on axes of one's own: probabilities, a map, and a map over its image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from zoo import DISCLAIMER
from zoo.base.explanations import Attribution
from zoo.base.number_text import probability
from zoo.interpret.case import Case
from zoo.report.cases.overlays import SIGNED_COLOURS, UNSIGNED_COLOURS, overlay, peak, shown
from zoo.report.cases.text import prediction_text
from zoo.report.style import BLUE, FONT, GRID, INK, MUTED, VERMILION, dress, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLASSES_SHOWN = 10


def draw_probabilities(
    axes: Axes, title: str, probabilities: Mapping[str, float], named: str
) -> None:
    """Draw a bar for each of the most probable classes; that of the class `named` is blue."""
    shown = sorted(probabilities.items(), key=lambda item: -item[1])[:CLASSES_SHOWN]
    dress(axes)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_xlim(0, 1)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_yticks(range(len(shown)), [plain(name, 24) for name, _ in shown])
    axes.tick_params(axis="y", labelsize=9, colors=INK)
    for place, (name, chance) in enumerate(shown):
        axes.barh(place, 1, height=0.5, color=GRID)
        axes.barh(place, chance, height=0.5, color=BLUE if name == named else MUTED)
        axes.text(1.02, place, probability(chance), va="center", fontsize=9, color=INK, family=FONT)
    _head(axes, title)
    _disclaim(axes)


def draw_map(axes: Axes, attribution: Attribution) -> None:
    """Draw a map alone, `(height, width)`, with the scale of its colours beside it."""
    most = peak(attribution.values) or 1.0
    picture = axes.imshow(
        attribution.values,
        cmap=SIGNED_COLOURS if attribution.signed else UNSIGNED_COLOURS,
        vmin=-most if attribution.signed else 0,
        vmax=most,
    )
    axes.set_axis_off()
    bar = axes.figure.colorbar(picture, ax=axes, fraction=0.046, pad=0.03)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, colors=MUTED, length=0)
    _head(axes, f"{attribution.method}, for the class number {attribution.target}")
    _disclaim(axes)


def draw_case(axes: Axes, case: Case) -> None:
    """Draw the image with the first of its maps, the answer above it."""
    told = [case.refused or prediction_text(case)]
    if case.attributions:
        first = case.attributions[0]
        axes.imshow(overlay(case.pixels, first, case.box, case.shape))
        judged = case.trust.get(first.method)
        about = f"{first.method} for {case.class_names[first.target]}"
        told.append(about if judged is None else f"{about}: {judged.level}")
    else:
        axes.imshow(shown(case.pixels, case.box, case.shape))
    axes.set_axis_off()
    _head(axes, *told)
    _disclaim(axes, case.synthetic)


def _head(axes: Axes, *lines: str) -> None:
    head = "\n".join(plain(line) for line in lines)
    axes.set_title(head, loc="left", fontsize=10, color=INK, fontfamily=FONT)


def _disclaim(axes: Axes, synthetic: bool = False) -> None:
    axes.annotate(
        plain(f"Synthetic data. {DISCLAIMER}" if synthetic else DISCLAIMER, 90),
        (0, 0),
        xycoords="axes fraction",
        xytext=(0, -6),
        textcoords="offset points",
        va="top",
        fontsize=7.5,
        color=VERMILION,
        family=FONT,
    )
