"""Concept activation vectors, tested against random ones.

A vector leads, in the feature map, from pictures without a concept to those with it: the mean
difference. Ten are made of groups that share no patient, and so are vectors of random pictures. Of
each the share of pictures is counted whose score rises along it (TCAV).

Sources: Kim, Wattenberg, Gilmer, Cai, Wexler, Viegas, Sayres, "Interpretability Beyond Feature
Attribution: Quantitative Testing with Concept Activation Vectors (TCAV)", 2018; the mean difference
in place of a linear classifier's weights after Pahde, Dreyer, Weber, Weckbecker, Anders, Wiegand,
Samek, Lapuschkin, "Navigating Neural Space: Revisiting Concept Activation Vectors to Overcome
Directional Divergence", 2022: weights also turn away from noise, which says nothing of the concept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GROUPS, RANDOM = 10, 30
"""Vectors of a concept, and of random pictures."""
NOTHING = 1e-6
"""What rounding makes of a difference that is none, as a share of what it is made of."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """Vectors of one concept, `(vectors, features)`, and what they tell of cases held out.

    `right` is `(cases,)`, 1 where the vector of the other groups told a case rightly, 0.5 where it
    could not tell; `people` are `(cases,)` str.
    """

    each: np.ndarray
    right: np.ndarray
    people: np.ndarray


def grouped(patients: Sequence[str] | np.ndarray, seed: int) -> np.ndarray:
    """Return `(n,)` int from 0 to 9: groups of about the same size that share no patient."""
    people, rows = np.unique(np.asarray(patients), return_inverse=True)
    sizes, filled = np.bincount(rows), np.zeros(GROUPS, int)
    group_of = np.zeros(len(people), int)
    order = np.random.default_rng(seed).permutation(len(people))
    for person in sorted(order, key=lambda row: -sizes[row]):
        group_of[person] = filled.argmin()
        filled[group_of[person]] += sizes[person]
    return group_of[rows]


def paired_vectors(
    differences: np.ndarray, groups: np.ndarray, patients: np.ndarray, size: float
) -> Vectors:
    """Make the vectors of pictures with a concept and the same without it.

    `differences` is `(n, features)`, with less without; what is below a millionth of `size`, the
    largest feature, counts as none. A pair is told rightly when its difference has the direction
    of the others.
    """
    each = np.where(np.abs(differences) > NOTHING * size, differences, 0)
    sums, counts = _sums(each, groups)
    others = (sums.sum(axis=0) - sums) / (counts.sum() - counts)[:, None]
    along = np.einsum("nd,nd->n", each, others[groups])
    return Vectors(sums / counts[:, None], _told(along), np.asarray(patients, np.str_))


def unpaired_vectors(
    having: np.ndarray, plain: np.ndarray, groups: tuple[np.ndarray, np.ndarray]
) -> Vectors:
    """Make the vectors of `(m, features)` pictures with a concept and `(k, features)` others.

    `groups` are those of both. A picture is told rightly when it is nearer to its own mean.
    """
    with_sums, with_counts = _sums(having, groups[0])
    sums, counts = _sums(plain, groups[1])
    other_with = (with_sums.sum(axis=0) - with_sums) / (len(having) - with_counts)[:, None]
    other = (sums.sum(axis=0) - sums) / (len(plain) - counts)[:, None]
    held, middle = other_with - other, (other_with + other) / 2
    told = [
        _told(sign * np.einsum("nd,nd->n", cases - middle[group], held[group]))
        for cases, group, sign in ((having, groups[0], 1), (plain, groups[1], -1))
    ]
    right = np.concatenate(told)
    people = np.array([f"{row}" for row in range(len(right))])
    each = with_sums / with_counts[:, None] - sums / counts[:, None]
    return Vectors(each, right, people)


def random_vectors(features: np.ndarray, seed: int) -> np.ndarray:
    """Return `(30, features)`: differences of the means of random pictures, as many as in a group.

    Each comes with its opposite, since nothing tells which of the two sides is with and which
    without. `features` is `(n, features)`, of at least ten pictures.
    """
    random = np.random.default_rng(seed)
    half = max(1, len(features) // GROUPS)
    weights = np.zeros((RANDOM // 2, len(features)), np.float32)
    for row in weights:
        drawn = random.permutation(len(features))
        row[drawn[:half]], row[drawn[half : 2 * half]] = 1 / half, -1 / half
    vectors = weights @ features
    return np.concatenate([vectors, -vectors])


def derivatives(slopes: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return `(n, vectors)`: how the score of each picture rises along each vector, to first order.

    `slopes` is `(n, features)`. What rounding alone makes is 0.
    """
    along = slopes @ vectors.T
    lengths = np.linalg.norm(slopes, axis=1)[:, None] * np.linalg.norm(vectors, axis=1)
    return np.where(np.abs(along) > NOTHING * lengths, along, 0)


def tcav_scores(along: np.ndarray) -> np.ndarray:
    """Return `(vectors,)`: the share of pictures whose score rises; no change counts half."""
    return (np.sign(along) / 2 + 0.5).mean(axis=0, dtype=np.float64)


def against_random(scores: np.ndarray, random: np.ndarray) -> float:
    """Return the p-value that a concept's scores have the mean of those of random vectors.

    Two-sided, without equal variances (Welch, "The generalization of Student's problem when
    several different population variances are involved", 1947).
    """
    from scipy.stats import ttest_ind_from_stats

    spreads = scores.std(ddof=1), random.std(ddof=1)
    if max(spreads) < NOTHING:
        return float(abs(scores.mean() - random.mean()) < NOTHING)
    sizes = len(scores), len(random)
    return float(
        ttest_ind_from_stats(
            scores.mean(),
            spreads[0],
            sizes[0],
            random.mean(),
            spreads[1],
            sizes[1],
            equal_var=False,
        ).pvalue
    )


def mean_of_groups(values: np.ndarray) -> dict[str, float | None]:
    """Return {value, low, high} of the mean of a few values, with Student's 95 % interval."""
    from scipy.stats import t

    value, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    if error < NOTHING * abs(value):
        return {"value": value, "low": None, "high": None}
    reach = float(t.ppf(0.975, len(values) - 1)) * error
    return {"value": value, "low": value - reach, "high": value + reach}


def _sums(cases: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    member = np.eye(GROUPS, dtype=np.float32)[groups]
    return member.T @ cases, member.sum(axis=0)


def _told(along: np.ndarray) -> np.ndarray:
    return np.sign(along) / 2 + 0.5
