"""Which classes an image could have: split conformal prediction, class by class.

One limit for each class is all that is kept. A class is in the set of an image when its
nonconformity, 1 - probability, is within the limit of the class. If later images are drawn like
the validation images, the set holds the true class in at least `confidence` of the images of each
class; sets of several classes, and empty ones, are answers too.

Sources: Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, 2005 (Mondrian
predictors); Sadinle, Lei, Wasserman, Least Ambiguous Set-Valued Classifiers with Bounded Error
Levels, 2019 (this score, with a limit for each class).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from zoo.base.errors import InvalidSetting

CONFIDENCE = 0.95
NEVER_EXCLUDED = 1.0
"""The limit that every nonconformity is within."""


def limits(
    probabilities: np.ndarray, labels: np.ndarray, confidence: float = CONFIDENCE, views: int = 1
) -> tuple[float, ...]:
    """Return the highest nonconformity, 0 to 1, at which each class is still possible.

    `probabilities` is `(n, classes)` of the validation part, `labels` is `(n,)` int. The limit of
    a class with n cases is the k-th smallest nonconformity among them, k = (n + 1) * confidence
    rounded up. A class with too few cases for that is never excluded: its limit is 1. With `views`
    there are so many rows of each case: all of them count, but make no more cases of it.

    Raises:
        InvalidSetting: a confidence that is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise InvalidSetting(
            f"The confidence is {confidence}; expected a share between 0 and 1, such as 0.95."
        )
    return tuple(
        _limit(1 - probabilities[labels == index, index], confidence, views)
        for index in range(probabilities.shape[1])
    )


def sets(probabilities: np.ndarray, limits: Sequence[float]) -> np.ndarray:
    """Return `(n, classes)` bool: which classes are possible for `(n, classes)` probabilities."""
    return (1 - probabilities) <= np.asarray(limits)


def _limit(scores: np.ndarray, confidence: float, views: int) -> float:
    cases = len(scores) // views
    # Rounded first: (n + 1) * confidence may pass a whole number by an error of floating point.
    rank = math.ceil(round((cases + 1) * confidence, 9))
    return float(np.sort(scores)[rank * views - 1]) if rank <= cases else NEVER_EXCLUDED
