"""Signs that a training went wrong, each with its reason and its remedy."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.base.number_text import percent
from zoo.stats.intervals import least_lead

COLLAPSED_SHARE = 0.99
CONSTANT_SPREAD = 0.15
"""Least `feature_spread` of a backbone that sees its images.

EfficientNet-Lite0 at 64 to 224 on real and drawn radiographs: 0.26 and more when fed 0-255, at most
0.03 when fed 0-1 or -1 to 1, which it would scale once more.
"""
GAP = 0.05
SHOWN = 4
"""Images that are named."""
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


@dataclass(frozen=True)
class Conditions:
    """What a remedy depends on: the settings of a training, and the phases it has."""

    recipe: Mapping[str, Any]
    options: Mapping[str, Any]
    phases: Collection[str]
    """`network`, or `head` behind a frozen backbone, and `fine-tune`. None where nothing was
    trained: of a network that was imported, with the option `input_range`, and of an ensemble."""


def collapsed(
    predicted: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    part: str,
    conditions: Conditions,
) -> list[Alarm]:
    """Tell when (nearly) every image of a part gets the same class though the labels differ.

    `predicted` is `(images,)` int, as it is decided, and so is `labels`.
    """
    counts = np.bincount(predicted, minlength=len(class_names))
    share, largest = counts.max() / counts.sum(), int(counts.argmax())
    commonest = np.bincount(labels).max() / len(labels)
    if share < COLLAPSED_SHARE or commonest >= COLLAPSED_SHARE:
        return []
    return [
        Alarm(
            "collapse",
            f"{percent(share)} of the {part} images are called {class_names[largest]}, whatever "
            "they show.",
            against_collapse(conditions),
        )
    ]


def against_collapse(conditions: Conditions) -> str:
    """Say what may help a network that gives one answer, given how it is trained."""
    if not conditions.phases:
        return f"Its answer says nothing of an image. {not_trained_here(conditions)}"
    recipe, ways = conditions.recipe, []
    if recipe["sensitivity"]:
        ways.append(f"ask for less than a sensitivity of {recipe['sensitivity']:g}")
    if not recipe["class_weights"]:
        ways.append("turn class_weights on")
    ways.append(f"lower learning_rate (now {recipe['learning_rate']:g})")
    if "fine-tune" in conditions.phases:
        ways.append(f"lower fine_tune_learning_rate (now {recipe['fine_tune_learning_rate']:g})")
    return (
        f"Its answer says nothing of an image. What may help: {', '.join(ways)}. With an "
        "architecture or a reader of your own, check that images reach the network as 0-255."
    )


def not_trained_here(conditions: Conditions) -> str:
    """Say what to look at where no setting of a training can help, since there was none here."""
    if "input_range" not in conditions.options:
        return "Look at the runs that were joined: zoo diagnose. Leave out those that say nothing."
    return (
        "It was trained elsewhere. Import it again with what it was trained with: the range of its "
        f"input (--input-range, now {conditions.options['input_range']}), other preprocessing, "
        "which has to be in its file, the size of its input, and its classes in the order of its "
        "outputs (--classes)."
    )


def against_overfitting(conditions: Conditions) -> str:
    """Say what may help a network that remembers its training images, given how it is trained."""
    if not conditions.phases:
        return (
            "It was not trained here, and may have seen these images in its training. Judge it on "
            "data that it cannot have seen: zoo evaluate --data."
        )
    recipe, ways = conditions.recipe, []
    if "network" in conditions.phases:
        ways.append("an architecture with fewer weights, or with a frozen backbone")
    if "fine-tune" in conditions.phases:
        ways.append(f"fewer fine_tune_epochs (now {recipe['fine_tune_epochs']})")
    if recipe["augmentation"] == "none":
        ways.append("augmentation, which is off")
    elif "head" in conditions.phases:
        ways.append(f"more views of each image (now {recipe['views']})")
    if "dropout" in conditions.options:
        ways.append(f"more dropout (now {conditions.options['dropout']:g})")
    ways.append(f"more weight_decay (now {recipe['weight_decay']:g})")
    return (
        f"The network remembers its training images. What may help: {', '.join(ways)}. "
        "A learning curve ('zoo learning-curve') says whether more patients would close the gap."
    )


def feature_spread(features: np.ndarray) -> float:
    """Return how much features differ between images, relative to their size.

    The standard deviation over images divided by the mean absolute value, both averaged over
    the features: about 1 for a backbone that sees its images, near 0 when they all look alike.
    `features` is `(images, …)`.
    """
    flat = features.reshape(len(features), -1)
    size = float(np.abs(flat).mean())
    return float(flat.std(axis=0).mean()) / size if size > 0 else 0.0


def constant_features(features: np.ndarray, fed: str = "") -> list[Alarm]:
    """Tell when a network gives (nearly) the same features for every image.

    `features` is `(images, …)`; `fed` is the range that a network from elsewhere was tried with.
    """
    spread = feature_spread(features)
    if spread >= CONSTANT_SPREAD:
        return []
    seen = (
        f"features hardly differ between images (spread {spread:.4f}; expected at least "
        f"{CONSTANT_SPREAD})"
    )
    if fed:
        message = f"The network's {seen} when it is fed {fed}."
        remedy = (
            "Most likely it was trained on pixels of another range: import it again with another "
            "--input-range."
        )
    else:
        message = f"The backbone's {seen}."
        remedy = (
            "Most likely the pixels are scaled twice: this network takes 0-255 and scales inside. "
            "Do not divide by 255 before it."
        )
    return [Alarm("constant features", message, remedy)]


def data_changed(names: Sequence[str], images: int) -> list[Alarm]:
    """Tell of images whose files were changed while the network was trained on them."""
    if not names:
        return []
    more = ", …" * (len(names) > SHOWN)
    return [
        Alarm(
            "data changed",
            f"{len(names)} of {images} images were changed or removed while the network was "
            f"trained: {', '.join(names[:SHOWN])}{more}.",
            "Nobody can tell which of the two contents its weights and scores come from. Train "
            "again, on data that nobody writes to.",
        )
    ]


def exactly(value: float | None) -> dict[str, float | None]:
    """Write a number that is known without an interval as one that has one."""
    return {"value": value, "low": value, "high": value}


def gap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether a ROC-AUC lies more than 0.05 above one of other images, and beyond chance."""
    if one["value"] is None or other["value"] is None:
        return False
    return bool(one["value"] - other["value"] > GAP and least_lead(one, other) > 0)


def gaps(
    train: float | None,
    validation: Mapping[str, Any],
    test: Mapping[str, Any],
    conditions: Conditions,
) -> list[Alarm]:
    """Compare the ROC-AUC of the three parts; of the last two it is {value, low, high}."""
    alarms = []
    if train is not None and train > LEARNED and gap(exactly(train), validation):
        alarms.append(
            Alarm(
                "overfitting",
                f"ROC-AUC is {train:.3f} on the training part and {validation['value']:.3f} on "
                "validation.",
                against_overfitting(conditions),
            )
        )
    if gap(validation, test):
        alarms.append(
            Alarm(
                "shift",
                f"ROC-AUC is {validation['value']:.3f} on validation and {test['value']:.3f} on "
                "the test part.",
                "The test images differ from those it learned from, or patients leak between "
                "training and validation: check the patient rule and where the images come from.",
            )
        )
    return alarms
