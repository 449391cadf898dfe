"""Probabilities for a place where the classes are not as frequent as in the training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.base.errors import InvalidSetting


def correct(
    probabilities: np.ndarray, trained: Sequence[float], stated: Sequence[float]
) -> np.ndarray:
    """Move `(n, classes)` probabilities from the class shares of the training to stated ones.

    By Bayes' rule each probability is multiplied by stated / trained, and each row is made to add
    up to 1 again. It is right when only the shares differ: images of one class must look alike in
    both places. `trained` are the shares that the probabilities are calibrated for. Those are not
    the shares among the training images when classes were weighted: with balanced class weights
    they are equal. Only the proportions matter, so numbers of images serve as well as shares.

    Raises:
        InvalidSetting: a share that is not above 0.

    Source: Saerens, Latinne, Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities: a simple procedure", 2002.
    """
    before, after = np.asarray(trained, np.float64), np.asarray(stated, np.float64)
    classes = probabilities.shape[1]
    if before.shape != (classes,) or after.shape != (classes,):
        raise ValueError(f"{before.shape} and {after.shape} shares for {classes} classes")
    for name, shares in (("trained", before), ("stated", after)):
        if not (np.isfinite(shares) & (shares > 0)).all():
            raise InvalidSetting(
                f"The {name} class shares are {shares.tolist()}; expected each to be above 0. "
                "A class that never occurs cannot be weighed."
            )
    weighed = np.asarray(probabilities, np.float64) * (after / after.sum() * before.sum() / before)
    return weighed / weighed.sum(axis=1, keepdims=True)


def stated_shares(prevalence: float, positive: int, trained: Sequence[float]) -> list[float]:
    """Return class shares with the given share of the positive class.

    The other classes keep their proportions to each other. `prevalence` is above 0 and below 1,
    `positive` is an index into `trained`.

    Raises:
        InvalidSetting: a prevalence that is not between 0 and 1.
    """
    if not 0 < prevalence < 1:
        raise InvalidSetting(
            f"The prevalence is {prevalence}; expected a share above 0 and below 1, such as 0.1 "
            "for one patient in ten."
        )
    shares = np.asarray(trained, np.float64)
    others = np.delete(shares, positive)
    scaled = others / others.sum() * (1 - prevalence)
    return np.insert(scaled, positive, prevalence).tolist()
