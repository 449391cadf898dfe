"""Likeness by what decides: features times how much each of them counts for a class.

Source: Kenny, Keane, "Twin-Systems to Explain Artificial Neural Networks using Case-Based
Reasoning: Comparative Tests of Feature-Weighting Methods in ANN-CBR Twins for XAI", 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explain.neighbours import cosine_distances


@dataclass(frozen=True, eq=False)
class Contributions:
    """What each feature adds to a class's logit less the mean of the other classes' logits.

    `weights` is `(features, classes)`. `lengths` is `(cases, classes)`, the length of each case's
    contributions, of its direction.

    Two images are near when the same features decide, in the same proportions: the distance is
    cosine. How strongly they decide is left out, since the probability tells it already.
    """

    weights: np.ndarray
    lengths: np.ndarray

    def vectors(self, units: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return `(batch, features)`, whose product with a case's direction is that of the two.

        `units` is `(batch, features)`, directions of images. The weights count twice, once for the
        image and once for the case, so that cases need not be kept weighted for each class.
        """
        return units * self.weights.T[targets] ** 2

    def distances(self, products: np.ndarray, units: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return `(batch, cases)` cosine distances from the products of `vectors`."""
        own = np.linalg.norm(units * self.weights.T[targets], axis=1)
        lengths = own[:, None] * self.lengths.T[targets]
        # Not the lengths of nothing: what contributes nothing is at 1 from all others.
        return cosine_distances(products / np.where(lengths > 0, lengths, np.inf))


def contributions(directions: np.ndarray, weights: np.ndarray) -> Contributions:
    """Prepare the cases: `(cases, features)` directions and the head's `(features, classes)`."""
    others = max(1, weights.shape[1] - 1)
    centred = weights - (weights.sum(axis=1, keepdims=True) - weights) / others
    return Contributions(centred, np.sqrt(directions**2 @ centred**2))
