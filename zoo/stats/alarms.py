"""Signs that a training went wrong, each with its reason and its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

COLLAPSED_SHARE = 0.99
CONSTANT_SPREAD = 0.15
"""Least `feature_spread` of a backbone that sees its images.

EfficientNet-Lite0 at 64 to 224 on real and drawn radiographs: 0.26 and more when fed 0-255, at most
0.03 when fed 0-1 or -1 to 1, which it would scale once more.
"""
GAP = 0.05
LEARNED = 0.7
"""ROC-AUC on the training part below which nothing was learned that could be remembered."""


@dataclass(frozen=True)
class Alarm:
    """One sign: what was seen, and what to do about it."""

    kind: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


def collapsed(
    probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> list[Alarm]:
    """Tell when (nearly) every image gets the same class though the labels differ.

    `probabilities` is `(images, classes)`, `labels` is `(images,)`.
    """
    counts = np.bincount(probabilities.argmax(axis=1), minlength=len(class_names))
    share, largest = counts.max() / counts.sum(), int(counts.argmax())
    commonest = np.bincount(labels).max() / len(labels)
    if share < COLLAPSED_SHARE or commonest >= COLLAPSED_SHARE:
        return []
    return [
        Alarm(
            "collapse",
            f"{share:.1%} of the images are called {class_names[largest]}, whatever they show.",
            "The network has learned no more than the commonest answer. Check that the images "
            "reach it as 0-255, lower learning_rate, and keep class_weights on.",
        )
    ]


def feature_spread(features: np.ndarray) -> float:
    """Return how much features differ between images, relative to their size.

    The standard deviation over images divided by the mean absolute value, both averaged over
    the features: about 1 for a backbone that sees its images, near 0 when they all look alike.
    `features` is `(images, …)`.
    """
    flat = features.reshape(len(features), -1)
    size = float(np.abs(flat).mean())
    return float(flat.std(axis=0).mean()) / size if size > 0 else 0.0


def constant_features(features: np.ndarray) -> list[Alarm]:
    """Tell when the backbone gives (nearly) the same features for every image."""
    spread = feature_spread(features)
    if spread >= CONSTANT_SPREAD:
        return []
    return [
        Alarm(
            "constant features",
            f"The backbone's features hardly differ between images (spread {spread:.4f}; "
            f"expected at least {CONSTANT_SPREAD}).",
            "Most likely the pixels are scaled twice: this network takes 0-255 and scales inside. "
            "Do not divide by 255 before it.",
        )
    ]


def gaps(train: float | None, validation: float | None, test: float | None) -> list[Alarm]:
    """Compare the ROC-AUC of the three parts and tell of differences above 0.05."""
    alarms = []
    if train is not None and validation is not None and train > max(LEARNED, validation + GAP):
        alarms.append(
            Alarm(
                "overfitting",
                f"ROC-AUC is {train:.3f} on the training part and {validation:.3f} on validation.",
                "The network remembers its training images: use fewer parameters, more "
                "augmentation or dropout, or a frozen backbone.",
            )
        )
    if validation is not None and test is not None and validation - test > GAP:
        alarms.append(
            Alarm(
                "shift",
                f"ROC-AUC is {validation:.3f} on validation and {test:.3f} on the test part.",
                "The test images differ from those it learned from, or patients leak between "
                "training and validation: check the patient rule and where the images come from.",
            )
        )
    return alarms
