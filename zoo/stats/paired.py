"""Whether two classifiers that answered for the same images differ, and many such tests at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SIGNIFICANT = 0.05
"""What a p-value has to be below for a difference to be called one."""


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> tuple[int, int, float]:
    """Return how many images only A, and only B, answered rightly, and the exact p-value.

    `right_a` and `right_b` are `(n,)` bool over the same images. The p-value is two-sided, from
    the binomial distribution of the images on which they disagree; 1 when they never do. Images
    count as independent: with several images a patient, keep one of each or read the p-value as
    too small.

    Sources: McNemar, "Note on the sampling error of the difference between correlated proportions
    or percentages", 1947; Dietterich, "Approximate statistical tests for comparing supervised
    classification learning algorithms", 1998.
    """
    from scipy.stats import binomtest

    right_a, right_b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    only_a = int((right_a & ~right_b).sum())
    only_b = int((right_b & ~right_a).sum())
    if not only_a + only_b:
        return 0, 0, 1.0
    return only_a, only_b, float(binomtest(only_a, only_a + only_b).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the given order.

    Those below 0.05 can be called significant together with a chance of at most 5 % that any of
    them is a false alarm, however the tests depend on each other.

    Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    given = np.asarray(p_values, np.float64)
    order = np.argsort(given, kind="stable")
    raised = given[order] * np.arange(len(given), 0, -1)
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(raised))
    return adjusted.tolist()
