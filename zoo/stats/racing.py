"""Which of several networks need not be trained any further: they lose, or there is no time.

Networks are trained fold by fold, all on the same ones, and after each fold they are compared as a
leaderboard compares them. Sources: Maron, Moore, "Hoeffding races: accelerating model selection
search for classification and function approximation", 1994; Birattari, Stuetzle, Paquete,
Varrentrapp, "A racing algorithm for configuring metaheuristics", 2002; for the halving, Jamieson,
Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", 2016.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.stats import delong
from zoo.stats.delong import Difference
from zoo.stats.leaderboard import Trial, measure
from zoo.stats.paired import SIGNIFICANT, holm

FEWEST = 2
"""Candidates that want of time leaves: one alone would be no comparison."""


@dataclass(frozen=True)
class Standing:
    """Where a candidate stands among those that were trained on the same folds.

    `behind` is its ROC-AUC less that of the first; None for the first. `p` is that of the test
    that both are equal, adjusted for the number of candidates (Holm).
    """

    name: str
    roc_auc: Mapping[str, Any]
    behind: Difference | None
    p: float


def standings(trials: Mapping[str, Sequence[Trial]], positive: int) -> list[Standing]:
    """Return where each stands, highest ROC-AUC first, with a paired test against the first.

    All have trials of the same seeds and folds.
    """
    _, means, patients = measure(trials, positive)
    areas = {name: of_model["roc_auc"] for name, of_model in means.items()}
    order = sorted(areas, key=lambda name: -np.nan_to_num(areas[name].value))
    first = areas[order[0]]
    behind = {
        name: delong.difference(
            areas[name].value, areas[name].influence, first.value, first.influence, patients
        )
        for name in order[1:]
    }
    adjusted = holm([1.0 if math.isnan(gap.p) else gap.p for gap in behind.values()])
    p_values = dict(zip(behind, adjusted, strict=True))
    return [
        Standing(name, areas[name].within(patients), behind.get(name), p_values.get(name, 1.0))
        for name in order
    ]


def losers(standing: Sequence[Standing], looks: int) -> list[Standing]:
    """Return those that are significantly worse than the first.

    The limit of 0.05 is divided by the `looks` that are taken in all (Bonferroni), so that looking
    after each fold does not drop one that is as good more often than 5 % of the time.
    """
    return [one for one in standing if one.behind is not None and one.p < SIGNIFICANT / looks]


def fitting(order: Sequence[str], needed: Mapping[str, float], left: float) -> list[str]:
    """Return those of `order`, best first, for whom the seconds `left` suffice.

    While they do not, the worse half is dropped, down to two. `needed` are the seconds that each
    would still take.
    """
    kept = list(order)
    while len(kept) > FEWEST and sum(needed[name] for name in kept) > left:
        kept = kept[: max(FEWEST, math.ceil(len(kept) / 2))]
    return kept
