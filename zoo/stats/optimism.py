"""How much better than it is the best of many looks, since it was chosen by what it is told by.

Each candidate was tested on the same folds. The highest mean is too high: part of it is the luck
for which it was chosen. In a bootstrap, candidates are chosen by the patients that were drawn and
scored by those that were not; the mean of these scores has no such luck in it, and nothing need be
trained for it.

Source: Tsamardinos, Greasidou, Borboudakis, "Bootstrapping the out-of-sample predictions for
efficient and accurate cross-validation", 2018.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.stats.intervals import image_weights, patient_rows

RESAMPLES = 500


@dataclass(frozen=True, eq=False)
class FoldAnswers:
    """What all candidates answered to one fold.

    `truth` is `(n, k)` bool, `patients` is `(n,)` str and `scores` are `(candidates, n, k)`: the
    ROC-AUC is the mean over the k columns that have both classes.
    """

    truth: np.ndarray
    patients: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Corrected:
    """The ROC-AUC of choosing the highest, without the luck of the choice.

    `gain` is that less the ROC-AUC of the reference on the same patients. Both are NaN where no
    resample had both classes on both sides.
    """

    roc_auc: float
    gain: float


def corrected(
    folds: Sequence[FoldAnswers], reference: int, resamples: int = RESAMPLES, seed: int = 0
) -> Corrected:
    """Return what the highest of the candidates is worth, and its gain over one of them.

    Patients are drawn together over all folds, so that images of one are never on both sides.
    """
    rows, _ = patient_rows(np.concatenate([fold.patients for fold in folds]))
    ends = np.cumsum([len(fold.patients) for fold in folds])
    starts = [0, *ends[:-1].tolist()]
    ranked = [[_ranked(fold, c) for c in range(len(fold.scores))] for fold in folds]
    chosen: list[np.ndarray] = []
    gained: list[np.ndarray] = []
    for weights in image_weights(rows, resamples, seed):
        within, without = (
            _means(side, ranked, list(zip(starts, ends.tolist(), strict=True)))
            for side in (weights, (weights == 0).astype(np.float64))
        )
        usable = np.isfinite(within).any(axis=1)
        within, without = within[usable], without[usable]
        best = np.nanargmax(within, axis=1)
        scored = without[np.arange(len(best)), best]
        chosen.append(scored)
        gained.append(scored - without[:, reference])
    return Corrected(_mean(np.concatenate(chosen)), _mean(np.concatenate(gained)))


@dataclass(frozen=True, eq=False)
class _Ranked:
    """One column of a candidate's scores in rising order: where equal ones begin and end."""

    order: np.ndarray
    positive: np.ndarray
    first: np.ndarray
    last: np.ndarray


def _ranked(fold: FoldAnswers, candidate: int) -> list[_Ranked]:
    found = []
    for column in range(fold.truth.shape[1]):
        values = fold.scores[candidate, :, column]
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        first = np.searchsorted(ordered, ordered, "left")
        last = np.searchsorted(ordered, ordered, "right")
        found.append(_Ranked(order, fold.truth[order, column], first, last))
    return found


def _means(
    weights: np.ndarray,
    ranked: Sequence[Sequence[Sequence[_Ranked]]],
    places: Sequence[tuple[int, int]],
) -> np.ndarray:
    """Return `(resamples, candidates)`, the mean ROC-AUC over columns and folds."""
    areas = [
        [
            _nan_mean([_weighted_area(weights[:, start:end], one) for one in columns])
            for columns in of_fold
        ]
        for of_fold, (start, end) in zip(ranked, places, strict=True)
    ]
    return np.stack([_nan_mean(of_candidate) for of_candidate in zip(*areas, strict=True)], axis=1)


def _weighted_area(weights: np.ndarray, ranked: _Ranked) -> np.ndarray:
    """Return `(resamples,)`, the ROC-AUC with a weight for each image; NaN without both classes."""
    own = weights[:, ranked.order]
    negative = np.where(ranked.positive, 0.0, own)
    below = np.concatenate([np.zeros((len(own), 1)), np.cumsum(negative, axis=1)], axis=1)
    beaten = (below[:, ranked.first] + below[:, ranked.last]) / 2  # an equal score counts half
    pairs = np.where(ranked.positive, own, 0.0).sum(axis=1) * below[:, -1]
    won = (beaten * np.where(ranked.positive, own, 0.0)).sum(axis=1)
    return np.divide(won, pairs, out=np.full(len(own), np.nan), where=pairs > 0)


def _nan_mean(values: Sequence[np.ndarray]) -> np.ndarray:
    """Average what is defined; NaN where nothing is."""
    stacked = np.stack(values)
    known = np.isfinite(stacked)
    count = known.sum(axis=0)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _mean(values: np.ndarray) -> float:
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else math.nan
