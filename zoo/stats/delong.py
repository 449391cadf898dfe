"""Intervals and tests for the ROC-AUC and for shares, from how much each image moves them.

An AUC is close to a sum: each image adds a little, its influence. The variance of the sum is then
the sum of the squared influences, where the images of one patient are added up first, because
patients are independent of each other and images of one patient are not. A share of images is such
a sum exactly. Every interval of either, wherever it is shown, is made here.

An AUC averaged over folds and seeds is a sum too, so `average` only has to average the influences,
and one interval and one test serve a single test set and repeated cross-validation alike. An image
that a cell did not test has no influence there, but that cell still counts in the mean: influences
grow as test sets shrink, and dividing by all the cells brings them back to the size of the whole.
The variance is that of the images, with the networks as they were trained; how much another
training would have changed the result is not in it.

Sources: DeLong, DeLong, Clarke-Pearson, "Comparing the areas under two or more correlated receiver
operating characteristic curves", 1988; Obuchowski, "Nonparametric analysis of clustered ROC curve
data", 1997; Sun and Xu, "Fast implementation of DeLong's algorithm", 2014; for cross-validation,
LeDell, Petersen, van der Laan, "Computationally efficient confidence intervals for cross-validated
area under the ROC curve estimates", 2015.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np

from zoo.stats.intervals import CONFIDENCE, exact_bound, patient_rows

REACH = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
"""Standard errors from the value to the end of its interval."""
ROUNDING = 1e-12
"""Standard errors below this are rounding, not variation."""


@dataclass(frozen=True, eq=False)
class Statistic:
    """A figure from 0 to 1, NaN where undefined, and how much each of the images moves it."""

    value: float
    influence: np.ndarray
    independent: int = 1
    """Independent observations behind it: what bounds a value of exactly 0 or 1."""

    def within(self, patients: np.ndarray | Sequence[str]) -> dict[str, float | None]:
        """Return {value, low, high} with the 95 % interval by patient; null where undefined."""
        if math.isnan(self.value):
            return {"value": None, "low": None, "high": None}
        low, high = interval(self.value, self.influence, patients, self.independent)
        unknown = math.isnan(low)
        return {
            "value": self.value,
            "low": None if unknown else low,
            "high": None if unknown else high,
        }


@dataclass(frozen=True)
class Difference:
    """One AUC less another, its 95 % interval and the two-sided p-value."""

    value: float
    low: float
    high: float
    p: float

    def to_record(self) -> dict[str, float | None]:
        """Return plain data for JSON; null where undefined."""
        return {name: None if math.isnan(part) else part for name, part in asdict(self).items()}


def influence(truth: np.ndarray, scores: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the AUC and `(n,)` float64, how much each image moves it away from its expectation.

    `truth` is `(n,)` bool, `scores` is `(n,)` finite. Equal scores count half. With one image a
    patient the squared influences add up to DeLong's variance. A class with a single image gets
    no variance of its own, as one image shows none. Without one of the classes the AUC is NaN and
    the influences are 0.
    """
    truth = np.asarray(truth, bool)
    scores = np.asarray(scores, np.float64)
    moved = np.zeros(len(truth))
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return math.nan, moved
    ranks = _midranks(scores)
    # A midrank among all less the one among its own class counts the other class' images below.
    beaten = (ranks[truth] - _midranks(scores[truth])) / negatives
    beating = 1 - (ranks[~truth] - _midranks(scores[~truth])) / positives
    value = float(beaten.mean())
    moved[truth] = _scaled(beaten - value)
    moved[~truth] = _scaled(beating - value)
    return value, moved


def mean(held: np.ndarray, among: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the share of some images for which something held, and `(n,)` influences on it.

    `held` and `among` are `(n,)` bool. NaN and zeros when there is no image `among` them.
    """
    moved = np.zeros(len(held))
    chosen = np.asarray(held, np.float64)[among]
    if not len(chosen):
        return math.nan, moved
    value = float(chosen.mean())
    moved[among] = _scaled(chosen - value)
    return value, moved


def share(held: np.ndarray, among: np.ndarray, patients: np.ndarray | Sequence[str]) -> Statistic:
    """Return the share of the images `among` (bool) for which something held (bool)."""
    people = len(np.unique(np.asarray(patients)[among]))
    return Statistic(*mean(held, among), max(1, people))


def roc_area(
    truth: np.ndarray, scores: np.ndarray, patients: np.ndarray | Sequence[str]
) -> Statistic:
    """Return the ROC-AUC of scores against the truth (bool).

    Both are `(n,)`, or `(n, classes)`: then it is the mean over the classes that occur, each
    against the rest.
    """
    if truth.ndim == 1:
        return Statistic(*influence(truth, scores), independent_pairs(truth, patients))
    each = [
        roc_area(shown, column, patients)
        for shown, column in zip(truth.T, scores.T, strict=True)
        if shown.any()
    ]
    return over_classes(each) if each else Statistic(math.nan, np.zeros(len(truth)))


def over_classes(statistics: Sequence[Statistic]) -> Statistic:
    """Average figures of several classes on the same images."""
    return Statistic(
        float(np.mean([s.value for s in statistics])),
        np.mean([s.influence for s in statistics], axis=0),
        min(s.independent for s in statistics),
    )


def roc_auc(
    truth: np.ndarray, scores: np.ndarray, patients: np.ndarray | Sequence[str]
) -> dict[str, float | None]:
    """Return {value, low, high} of the ROC-AUC with its 95 % interval by patient, as plain data."""
    return roc_area(truth, scores, patients).within(patients)


def average(
    cells: Sequence[tuple[float, np.ndarray, np.ndarray]], images: int
) -> tuple[float, np.ndarray]:
    """Return the mean AUC of several test sets and `(images,)`, the influences on that mean.

    Each cell, a fold of one seed say, is its AUC, its `(k,)` influences and the `(k,)` int places,
    from 0 to `images` - 1, of the images it tested. Leave out cells whose AUC is undefined.
    """
    moved = np.zeros(images)
    for _, cell, places in cells:
        np.add.at(moved, places, cell / len(cells))
    return float(np.mean([value for value, _, _ in cells])), moved


def standard_error(influence: np.ndarray, patients: np.ndarray | Sequence[str]) -> float:
    """Return the standard error of what has these `(n,)` influences.

    `patients` is `(n,)` str; the images of one patient count as one observation.
    """
    rows, _ = patient_rows(np.asarray(patients))
    return float(np.sqrt(np.sum(np.bincount(rows, weights=influence) ** 2)))


def interval(
    value: float,
    influence: np.ndarray,
    patients: np.ndarray | Sequence[str],
    independent: int = 1,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Return the interval (95 %) of a figure, made on the logit scale: it stays within 0 to 1.

    A value of exactly 0 or 1 shows no variation. Its interval is the exact bound over
    `independent` observations: `independent_pairs` for an AUC, the patients that count for a
    share. Between 0 and 1, where no patient moves the figure (scores that are all equal, a single
    patient), nothing is known of its variation: NaN, as for an undefined figure.
    """
    if math.isnan(value):
        return math.nan, math.nan
    if value in (0, 1):
        return exact_bound(value, max(1, independent), confidence)
    error = standard_error(influence, patients)
    if error < ROUNDING:
        return math.nan, math.nan
    centre = math.log(value / (1 - value))
    errors = REACH if confidence == CONFIDENCE else NormalDist().inv_cdf(0.5 + confidence / 2)
    reach = errors * error / (value * (1 - value))
    return _logistic(centre - reach), _logistic(centre + reach)


def independent_pairs(truth: np.ndarray, patients: np.ndarray | Sequence[str]) -> int:
    """Count the pairs of a positive and a negative image in which no patient occurs twice.

    `truth` is `(n,)` bool, `patients` is `(n,)` str. An AUC of t orders that many pairs rightly
    with a chance of t to the power of their number, which is what the exact bound needs.
    """
    positive, people = np.asarray(truth, bool), np.asarray(patients)
    sides = (len(np.unique(people[side])) for side in (positive, ~positive))
    return min(len(np.unique(people)) // 2, *sides)


def difference(
    value_a: float,
    influence_a: np.ndarray,
    value_b: float,
    influence_b: np.ndarray,
    patients: np.ndarray | Sequence[str],
) -> Difference:
    """Test whether two AUCs measured on the same images differ (Wald's z test).

    Both influences are `(n,)` over the same images and `patients`. A difference that no patient
    moves, as that of a perfect and a constant score, cannot be tested this way: p is 1 and the
    interval NaN. All are NaN when one of the AUCs is undefined.
    """
    value = value_a - value_b
    if math.isnan(value):
        return Difference(math.nan, math.nan, math.nan, math.nan)
    error = standard_error(influence_a - influence_b, patients)
    if error < ROUNDING:
        return Difference(value, math.nan, math.nan, 1.0)
    p = math.erfc(abs(value) / error / math.sqrt(2))
    low, high = value - REACH * error, value + REACH * error
    return Difference(value, max(low, -1.0), min(high, 1.0), p)


def gap(
    a: Statistic, b: Statistic, patients: np.ndarray | Sequence[str], comparisons: int = 1
) -> dict[str, float | None]:
    """Return {value, low, high} of `a` less `b`, figures of two groups among the same images.

    Both influences are `(n,)`, 0 for the images outside the group, so that patients with images in
    both groups are counted once. The interval is made from those of the two figures: other than
    `difference` it holds for a figure of exactly 0 or 1 too. Chosen among that many `comparisons`,
    as the widest is, it is widened (Bonferroni). Null where one of the figures has no interval.

    Source: Zou, Donner, "Construction of confidence limits about effect measures: a general
    approach", 2008.
    """
    value = a.value - b.value
    if math.isnan(value):
        return {"value": None, "low": None, "high": None}
    confidence = 1 - (1 - CONFIDENCE) / comparisons
    low_a, high_a = interval(a.value, a.influence, patients, a.independent, confidence)
    low_b, high_b = interval(b.value, b.influence, patients, b.independent, confidence)
    if math.isnan(low_a) or math.isnan(low_b):
        return {"value": value, "low": None, "high": None}
    together = correlation(a.influence, b.influence, patients)
    below = _joined(a.value - low_a, high_b - b.value, together)
    above = _joined(high_a - a.value, b.value - low_b, together)
    return {"value": value, "low": max(value - below, -1.0), "high": min(value + above, 1.0)}


def correlation(
    influence_a: np.ndarray, influence_b: np.ndarray, patients: np.ndarray | Sequence[str]
) -> float:
    """Return how two figures of the same images vary together, -1 to 1; 0 where one does not."""
    rows, _ = patient_rows(np.asarray(patients))
    a, b = (np.bincount(rows, weights=moved) for moved in (influence_a, influence_b))
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(np.clip(a @ b / scale, -1, 1)) if scale > ROUNDING**2 else 0.0


def _joined(one: float, other: float, together: float) -> float:
    return math.sqrt(max(one**2 + other**2 - 2 * together * one * other, 0.0))


def _midranks(scores: np.ndarray) -> np.ndarray:
    """Rank from 1; equal scores share the mean of their ranks."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def _scaled(deviations: np.ndarray) -> np.ndarray:
    """Scale so that the squares add up to the unbiased variance of the deviations' mean."""
    number = len(deviations)
    return deviations / number * math.sqrt(number / (number - 1) if number > 1 else 1)


def _logistic(value: float) -> float:
    return 0.5 * (1 + math.tanh(value / 2))
