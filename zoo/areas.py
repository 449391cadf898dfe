"""Areas under the ROC and the precision-recall curve, for many sets of weights at once.

One sort serves every set of weights, which is what makes a bootstrap of a thousand resamples
take a fraction of a second. With all weights equal to one the values are scikit-learn's
`roc_auc_score` and `average_precision_score`.
"""

from __future__ import annotations

import numpy as np


def areas(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return `(2, sets)`: the ROC-AUC and the average precision for each row of weights.

    `truth` is `(n,)` bool, `scores` is `(n,)` finite, `weights` is `(sets, n)`, not negative.
    Equal scores count half, as in the Mann-Whitney statistic. NaN where a row gives no weight to
    the positives or none to the negatives.

    Source: Fawcett, "An introduction to ROC analysis", 2006.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    weights = weights[:, order].astype(np.float64, copy=False)
    positive = np.add.reduceat(weights * truth[order], starts, axis=1)
    negative = np.add.reduceat(weights * ~truth[order], starts, axis=1)
    true_positives = np.cumsum(positive, axis=1)
    false_positives = np.cumsum(negative, axis=1)
    positives, negatives = true_positives[:, -1], false_positives[:, -1]

    below = negatives[:, None] - false_positives + negative / 2
    roc = ratio((positive * below).sum(axis=1), positives * negatives)
    precision = ratio(true_positives, true_positives + false_positives, undefined=0.0)
    pr = ratio((positive * precision).sum(axis=1), positives)
    pr[negatives == 0] = np.nan
    return np.stack([roc, pr])


def ratio(top: np.ndarray, bottom: np.ndarray, undefined: float = np.nan) -> np.ndarray:
    """Divide, with `undefined` where the divisor is zero, and without a warning."""
    result = np.full(np.broadcast(top, bottom).shape, undefined)
    return np.divide(top, bottom, out=result, where=np.asarray(bottom) > 0)
