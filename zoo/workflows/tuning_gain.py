"""What the best of many trials is worth, and whether tuning gained more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zoo.base.number_text import value_text
from zoo.stats import delong
from zoo.stats.leaderboard import Trial, measure
from zoo.stats.optimism import FoldAnswers, corrected
from zoo.stats.probabilities import softmax
from zoo.training.cells import CellResult
from zoo.training.trial_states import PRUNED
from zoo.workflows.optuna_study import TrialRecord


def roc_auc_of(record: TrialRecord) -> float | None:
    """Return the mean ROC-AUC over the folds that a trial was tested on; None where undefined."""
    return record.scores[-1] if record.scores and math.isfinite(record.scores[-1]) else None


def gain_record(
    records: Sequence[TrialRecord], outcomes: Mapping[int, Sequence[CellResult]], positive: int
) -> dict[str, Any]:
    """Compare the best trial with the first, both whole, and correct for how it was chosen.

    `outcomes` are those of the whole trials, by their number. The difference of the two is tested
    as between any two networks, and moved by the luck of the choice (`zoo.stats.optimism`).
    """
    trials = {
        str(number): [
            Trial(one.test, one.summary["temperature"], None, one.cell.seed, one.cell.fold)
            for one in of_trial
        ]
        for number, of_trial in outcomes.items()
    }
    _, means, patients = measure(trials, positive)
    areas = {int(number): of_trial["roc_auc"] for number, of_trial in means.items()}
    first = next(record.number for record in records if record.first)
    best = max(areas, key=lambda number: (areas[number].value, number == first, -number))
    worth = corrected(_folds(outcomes, positive), list(outcomes).index(first))
    top, base = areas[best], areas[first]
    gap = delong.difference(top.value, top.influence, base.value, base.influence, patients)
    lost = max(0.0, top.value - worth.roc_auc)
    luck = max(0.0, gap.value - worth.gain)
    moved = delong.Difference(gap.value - luck, gap.low - luck, gap.high - luck, gap.p)
    found: dict[str, Any] = {
        "best": {
            "trial": best,
            "settings": dict(next(r.changes for r in records if r.number == best)),
            "roc_auc": top.within(patients),
        },
        "default": {"trial": first, "roc_auc": base.within(patients)},
        "corrected": {
            "roc_auc": replace(top, value=top.value - lost).within(patients),
            "optimism": lost,
            "among": len(outcomes),
        },
        "gain": None
        if best == first
        else {"measured": _interval(gap), "corrected": _interval(moved)},
    }
    pruned = sum(record.state == PRUNED for record in records)
    return {**found, "sentences": gain_sentences(found, len(records), pruned)}


def gain_sentences(found: Mapping[str, Any], trials: int, pruned: int) -> list[str]:
    """Say what the best of the trials is worth, and whether it was more than chance."""
    best, worth, gain = found["best"], found["corrected"], found["gain"]
    among = f"{worth['among']} whole, {pruned} given up on the way"
    told = [
        (
            f"The best of {trials} trials ({among}) has a ROC-AUC of {value_text(best['roc_auc'])} "
            "on the folds that it was chosen by. Without the luck of the choice it is "
            f"{value_text(worth['roc_auc'])}."
        )
    ]
    if gain is None:
        return [*told, "No settings were better than those it has: tuning gained nothing."]
    corrected_gain = gain["corrected"]
    text = value_text(corrected_gain, signed=True)
    if corrected_gain["low"] is None:
        return [*told, f"Whether tuning gained more than chance cannot be told ({text})."]
    if corrected_gain["low"] > 0:
        return [*told, f"Tuning gained more than chance: {text} over the settings as they were."]
    doubt = "It is not shown that tuning gained more than chance"
    return [*told, f"{doubt}: {text} over the settings as they were."]


def _interval(gap: delong.Difference) -> dict[str, float | None]:
    return {name: value for name, value in gap.to_record().items() if name != "p"}


def _folds(outcomes: Mapping[int, Sequence[CellResult]], positive: int) -> list[FoldAnswers]:
    """Return what all trials answered to each fold, images in the same order."""
    folds = []
    for of_fold in zip(*outcomes.values(), strict=True):
        orders = [np.argsort(one.test.names) for one in of_fold]
        probabilities = np.stack(
            [
                softmax(one.test.logits / one.summary["temperature"])[order]
                for one, order in zip(of_fold, orders, strict=True)
            ]
        )
        answers, order = of_fold[0].test, orders[0]
        classes = probabilities.shape[2]
        asked = np.array([positive]) if classes == 2 else np.arange(classes)
        folds.append(
            FoldAnswers(
                answers.labels[order, None] == asked,
                answers.patients[order],
                probabilities[:, :, asked],
            )
        )
    return folds
