"""Compare networks that were tested on the same images: scores, intervals and paired tests.

A trial is one trained network with its answers to a test set; an entry is the trials of one
architecture, over folds and seeds, or of one run. Each figure of an entry is the mean over its
trials, and its interval and the tests between entries rest on the influence of each patient on
that mean (zoo.stats.delong). The schema of the result is described in docs/metrics.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.base.number_text import interval, number
from zoo.stats import calibration, delong
from zoo.stats.delong import Statistic
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.metrics import statistics
from zoo.stats.paired import SIGNIFICANT, holm, mcnemar
from zoo.stats.probabilities import decide, softmax

RATES = ("roc_auc", "accuracy", "balanced_accuracy", "sensitivity", "specificity")


@dataclass(frozen=True, eq=False)
class Trial:
    """One trained network on one test set."""

    outputs: LabelledLogits
    temperature: float
    threshold: float | None
    seed: int = 0
    fold: int = 0
    seconds: float | None = None
    parameters: Mapping[str, int] | None = None


def leaderboard(trials: Mapping[str, Sequence[Trial]], positive: int) -> dict[str, Any]:
    """Return the entries, highest ROC-AUC first, and a paired test for each two of them.

    The entries' trials of the same seed and fold must have the same test images.
    """
    measured, means, patients = measure(trials, positive)
    order = sorted(trials, key=lambda name: -np.nan_to_num(means[name]["roc_auc"].value))
    return {
        "entries": [
            _entry(name, trials[name], measured[name], means[name], patients) for name in order
        ],
        "pairs": _pairs(order, trials, means, patients, positive),
    }


def measure(
    trials: Mapping[str, Sequence[Trial]], positive: int
) -> tuple[dict[str, list[dict[str, Statistic]]], dict[str, dict[str, Statistic]], np.ndarray]:
    """Return the figures of each trial, the means of each entry, and the images' patients.

    Influences on the means are over all images, in the order of the patients.
    """
    names, patients = _images(trials)
    places = {name: place for place, name in enumerate(names)}
    measured = {
        name: [_statistics(trial, positive) for trial in of_model]
        for name, of_model in trials.items()
    }
    means = {
        name: {
            figure: mean_over(
                [statistics[figure] for statistics in measured[name]],
                [[places[image] for image in trial.outputs.names] for trial in of_model],
                len(names),
            )
            for figure in RATES
        }
        for name, of_model in trials.items()
    }
    return measured, means, patients


def mean_over(
    statistics: Sequence[Statistic], places: Sequence[Sequence[int]], images: int
) -> Statistic:
    """Average a figure over trials; `places[i]` are the images that trial `i` was tested on."""
    defined = [
        (s.value, s.influence, np.asarray(place))
        for s, place in zip(statistics, places, strict=True)
        if np.isfinite(s.value)
    ]
    if not defined:
        return Statistic(float("nan"), np.zeros(images))
    value, moved = delong.average(defined, images)
    # Folds add up to more patients than one of them has; seeds test the same ones again.
    return Statistic(value, moved, max(s.independent for s in statistics))


def _images(trials: Mapping[str, Sequence[Trial]]) -> tuple[list[str], np.ndarray]:
    patient: dict[str, str] = {}
    for trial in itertools.chain.from_iterable(trials.values()):
        patient.update(zip(trial.outputs.names.tolist(), trial.outputs.patients, strict=True))
    names = sorted(patient)
    return names, np.array([patient[name] for name in names])


def _statistics(trial: Trial, positive: int) -> dict[str, Statistic]:
    answered = trial.outputs
    probabilities = softmax(answered.logits / trial.temperature)
    decided = decide(probabilities, positive, trial.threshold)
    return statistics(answered.labels, probabilities, decided, positive, answered.patients)


def _entry(
    name: str,
    trials: Sequence[Trial],
    measured: Sequence[Mapping[str, Statistic]],
    means: Mapping[str, Statistic],
    patients: np.ndarray,
) -> dict[str, Any]:
    fits = [
        calibration.calibration_scores(t.outputs.logits, t.outputs.labels, t.temperature)["after"]
        for t in trials
    ]
    areas = [area for one in measured if np.isfinite(area := one["roc_auc"].value)]
    seconds = [t.seconds for t in trials if t.seconds is not None]
    return {
        "name": name,
        "parameters": dict(trials[0].parameters) if trials[0].parameters else None,
        "seconds": sum(seconds) if seconds else None,
        **{figure: means[figure].within(patients) for figure in RATES},
        "calibration_error": float(np.mean([fit["ece_mass"] for fit in fits])),
        "brier": float(np.mean([fit["brier"] for fit in fits])),
        "spread": float(np.std(areas, ddof=1)) if len(areas) > 1 else None,
        "cells": [
            {
                "seed": trial.seed,
                "fold": trial.fold,
                "roc_auc": _known(statistic["roc_auc"].value),
                "accuracy": _known(statistic["accuracy"].value),
                "seconds": trial.seconds,
            }
            for trial, statistic in zip(trials, measured, strict=True)
        ],
    }


def _pairs(
    order: Sequence[str],
    trials: Mapping[str, Sequence[Trial]],
    means: Mapping[str, Mapping[str, Statistic]],
    patients: np.ndarray,
    positive: int,
) -> list[dict[str, Any]]:
    right = {name: _right_once(trials[name], positive) for name in order}
    rows: list[dict[str, Any]] = []
    for a, b in itertools.combinations(order, 2):
        first, second = means[a]["roc_auc"], means[b]["roc_auc"]
        gap = delong.difference(
            first.value, first.influence, second.value, second.influence, patients
        )
        shared = sorted(right[a].keys() & right[b].keys())
        first_right = np.array([right[a][image] for image in shared])
        other = np.array([right[b][image] for image in shared])
        alone_a, alone_b, p = mcnemar(first_right, other)
        rows.append(
            {
                "a": a,
                "b": b,
                "difference": {
                    "value": _known(gap.value),
                    "low": _known(gap.low),
                    "high": _known(gap.high),
                },
                "p_auc": _known(gap.p),
                "accuracy_difference": float(first_right.mean() - other.mean()),
                "discordant": [alone_a, alone_b],
                "p_accuracy": p,
            }
        )
    for kind in ("auc", "accuracy"):
        tested = [row for row in rows if row[f"p_{kind}"] is not None]
        adjusted = iter(holm([row[f"p_{kind}"] for row in tested]))
        for row in rows:
            row[f"p_{kind}_holm"] = next(adjusted) if row in tested else None
    for row in rows:
        row["sentence"] = pair_sentence(row)
    return rows


def _right_once(trials: Sequence[Trial], positive: int) -> dict[str, bool]:
    """Tell for each image whether it was called right, by the networks of the first seed.

    McNemar's test takes one decision an image; averaging over seeds would make another network.
    It counts images as independent, so with several images a patient its p-value is too small.
    """
    first = min(trial.seed for trial in trials)
    decided: dict[str, bool] = {}
    for trial in trials:
        if trial.seed == first:
            answered = trial.outputs
            chosen = decide(softmax(answered.logits / trial.temperature), positive, trial.threshold)
            decided.update(
                zip(answered.names.tolist(), (chosen == answered.labels).tolist(), strict=True)
            )
    return decided


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def pair_sentence(pair: Mapping[str, Any]) -> str:
    """Say in plain words what the tests of a pair show."""
    a, b, gap = pair["a"], pair["b"], pair["difference"]
    if gap["value"] is None:
        return f"{a} and {b}: ROC-AUC is undefined, since all images have the same class."
    reach = number(gap["value"], signed=True)
    if gap["low"] is not None:
        reach += f", {interval(gap['low'], gap['high'], signed=True)}"
    if pair["p_auc_holm"] < SIGNIFICANT:
        ahead, behind = (a, b) if gap["value"] > 0 else (b, a)
        ranks = f"{ahead} ranks images better than {behind} (ROC-AUC {reach})"
    else:
        ranks = f"{a} and {b}: no difference in ROC-AUC shown at this sample size ({reach})"
    alone_a, alone_b = pair["discordant"]
    if pair["p_accuracy_holm"] < SIGNIFICANT:
        ahead = a if alone_a > alone_b else b
        right = f"{ahead} decides right more often"
    else:
        right = "no difference in accuracy shown"
    return f"{ranks}; {right} ({alone_a} against {alone_b} images right alone)."
