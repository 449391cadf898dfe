"""From logits to probabilities, and from probabilities to a decision and how sure it is."""

from __future__ import annotations

import numpy as np

from zoo.base.errors import InvalidSetting


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return `(…, classes)` probabilities of logits."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def decide(probabilities: np.ndarray, positive: int, threshold: float | None) -> np.ndarray:
    """Return `(n,)` class indices: the most probable, or `positive` from the threshold up.

    Raises:
        InvalidSetting: a threshold outside 0 to 1, or one given with more than two classes.
    """
    if threshold is None:
        return probabilities.argmax(axis=1)
    if probabilities.shape[1] != 2:
        raise InvalidSetting(
            f"A threshold was given for {probabilities.shape[1]} classes; it can only decide "
            "between two. Leave it out: the most probable class is then taken."
        )
    if not 0 <= threshold <= 1:
        raise InvalidSetting(f"The threshold is {threshold}; expected a probability, 0 to 1.")
    return np.where(probabilities[:, positive] >= threshold, positive, 1 - positive)


def margin(probabilities: np.ndarray, positive: int, threshold: float | None) -> np.ndarray:
    """Return `(n,)` how sure each decision is: 0 at the line between two answers, 1 at the most.

    Without a threshold it is the probability of the class that is named.
    """
    if threshold is None:
        return probabilities.max(axis=1)
    chance = probabilities[:, positive].astype(np.float64)
    above, below = np.maximum(chance - threshold, 0), np.maximum(threshold - chance, 0)
    # At a threshold of 0 or 1 one side is empty, and so is its division.
    return above / max(1 - threshold, 1e-12) + below / max(threshold, 1e-12)
