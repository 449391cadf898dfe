"""Checks of what an explainer receives, with sentences for the user."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo import InvalidSetting

if TYPE_CHECKING:
    from zoo import Classifier


def check_targets(classifier: Classifier, targets: Sequence[int]) -> None:
    """Refuse a target that is not an index of one of the classes.

    Raises:
        InvalidSetting: a target below 0 or past the last class.
    """
    classes = len(classifier.class_names)
    for target in targets:
        if not 0 <= target < classes:
            raise InvalidSetting(
                f"The target class {target} was asked for; this network has {classes} classes, "
                f"numbered 0 to {classes - 1}. Choose one of them."
            )


def check_at_least(option: str, value: float, minimum: float) -> None:
    """Refuse an option below its minimum, or without an end.

    Raises:
        InvalidSetting: the value is below the minimum, infinite or not a number.
    """
    if not minimum <= value < math.inf:
        raise InvalidSetting(
            f"'{option}' was set to {value}; expected a finite number, {minimum} or more. Give "
            "such a value."
        )


def check_share(option: str, value: float) -> None:
    """Refuse an option that is no share: not above 0, or above 1.

    Raises:
        InvalidSetting: the value is out of that range or not a number.
    """
    if not 0 < value <= 1:
        raise InvalidSetting(
            f"'{option}' was set to {value}; expected a share above 0 and up to 1. Give such a "
            "value."
        )
