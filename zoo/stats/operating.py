"""From which probability up an image is called positive, chosen on the validation part.

`choose_threshold` returns plain data that `json.dumps` takes:

    rule         "youden" or "sensitivity"
    target       the sensitivity that was asked for, or null
    threshold    an image is called positive when its probability is at least this
    low, high    95 % interval of the threshold, or null: how well the images determine it
    sensitivity, specificity: {value, low, high} at this threshold, on the same images
    images, patients: int

The two rates are those of the images that the threshold was chosen on, so they lean to the
favourable side; the test part gives what to expect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.base.errors import BadInput, InvalidSetting
from zoo.stats.curves import ratio
from zoo.stats.delong import share
from zoo.stats.intervals import image_weights, patient_rows, percentile_interval


def choose_threshold(
    truth: np.ndarray,
    scores: np.ndarray,
    patients: np.ndarray | Sequence[str],
    sensitivity: float | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Choose the threshold; the module's docstring gives the schema of the result.

    `truth` is `(n,)` bool, `scores` is `(n,)`, calibrated probabilities of the positive class from
    0 to 1, `patients` is `(n,)` str. With a `sensitivity` it is the highest threshold that reaches
    it; without, the one with the greatest Youden index, sensitivity + specificity - 1, and of
    equally great ones the nearest to 0.5, then the lower. It lies midway between two neighbouring
    scores, where it is least likely to divide new images by chance; below the lowest score, midway
    between that and 0. The threshold's interval is a 95 % percentile bootstrap interval: each
    resample of patients chooses it anew. Those of the rates are `zoo.stats.delong`'s.

    Raises:
        BadInput: all images have the same class.
        InvalidSetting: a sensitivity that is not above 0 and at most 1.

    Source: Youden, "Index for rating diagnostic tests", 1950.
    """
    truth, scores = np.asarray(truth, bool), np.asarray(scores, np.float64)
    patients = np.asarray(patients, str)
    _check(truth, scores, patients, sensitivity)
    rows, number = patient_rows(patients)

    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    def thresholds(weights: np.ndarray) -> np.ndarray:
        weights = weights[:, order]
        positive = np.add.reduceat(weights * truth[order], starts, axis=1)
        negative = np.add.reduceat(weights * ~truth[order], starts, axis=1)
        return _thresholds(ordered[starts], positive, negative, sensitivity)

    threshold = float(thresholds(np.ones((1, len(truth))))[0])
    drawn = image_weights(rows, resamples, seed)
    spread = np.concatenate([thresholds(weights) for weights in drawn])
    low, high = percentile_interval(spread) or (None, None)
    called = scores >= threshold
    return {
        "rule": "youden" if sensitivity is None else "sensitivity",
        "target": None if sensitivity is None else float(sensitivity),
        "threshold": threshold,
        "low": low,
        "high": high,
        "sensitivity": share(called, truth, patients).within(patients),
        "specificity": share(~called, ~truth, patients).within(patients),
        "images": len(truth),
        "patients": number,
    }


def describe_threshold(point: Mapping[str, Any], positive: str) -> str:
    """Say in one sentence which threshold was chosen; `positive` is the positive class's name."""
    rule = "the threshold with the greatest Youden index on the validation part"
    if point["rule"] == "sensitivity":
        target = _number(point["target"])
        rule = f"the highest threshold with a sensitivity of {target} on the validation part"
    return (
        f"{positive} is called from a probability of {_number(point['threshold'])} "
        f"up{_interval(point)}: {rule}, "
        f"where sensitivity is {_with_interval(point['sensitivity'])} and specificity "
        f"{_with_interval(point['specificity'])}."
    )


def _check(
    truth: np.ndarray, scores: np.ndarray, patients: np.ndarray, sensitivity: float | None
) -> None:
    if truth.ndim != 1 or scores.shape != truth.shape or patients.shape != truth.shape:
        raise ValueError(f"truth {truth.shape}, scores {scores.shape}, patients {patients.shape}")
    if sensitivity is not None and not 0 < sensitivity <= 1:
        raise InvalidSetting(
            f"The sensitivity asked for is {sensitivity}; expected a share above 0 and at most 1, "
            "such as 0.95."
        )
    if truth.all() or not truth.any():
        raise BadInput(
            f"All {len(truth)} validation images have the same class, so no threshold can be "
            "chosen on them. Expected images of both classes: use a larger validation part, or "
            "give the threshold yourself."
        )
    if not (np.isfinite(scores) & (scores >= 0) & (scores <= 1)).all():
        raise ValueError("scores are not probabilities")


def _thresholds(
    levels: np.ndarray, positive: np.ndarray, negative: np.ndarray, sensitivity: float | None
) -> np.ndarray:
    """Choose for each set of weights: `(sets,)`, NaN where a class has no weight.

    `levels` is `(k,)`, the distinct scores, rising; `positive` and `negative` are `(sets, k)`, the
    weight of each class at each score.
    """
    detected = np.cumsum(positive[:, ::-1], axis=1)[:, ::-1]
    alarms = np.cumsum(negative[:, ::-1], axis=1)[:, ::-1]
    positives, negatives = detected[:, :1], alarms[:, :1]
    # A resample lacks some scores; its neighbours are the nearest that it has.
    present = positive + negative > 0
    highest = np.maximum.accumulate(np.where(present, levels, 0.0), axis=1)
    below = np.concatenate([np.zeros_like(positives), highest[:, :-1]], axis=1)
    middle = (below + levels) / 2
    middle = np.where(middle > below, middle, levels)  # between two adjacent floats is no other
    if sensitivity is None:
        # Whole numbers, so that equal indices are equal: J times both classes' weights.
        index = np.where(present, detected * negatives - alarms * positives, -np.inf)
        best = index == index.max(axis=1, keepdims=True)
        place = np.where(best, np.abs(middle - 0.5), np.inf).argmin(axis=1)
    else:
        # Divided, not multiplied: 14 / 25 is 0.56 in floats, but 0.56 * 25 is above 14.
        enough = present & (ratio(detected, positives) >= sensitivity)
        place = len(levels) - 1 - enough[:, ::-1].argmax(axis=1)
    chosen = middle[np.arange(len(middle)), place]
    return np.where((positives * negatives)[:, 0] > 0, chosen, np.nan)


def _with_interval(entry: Mapping[str, Any]) -> str:
    return _number(entry["value"]) + _interval(entry)


def _interval(entry: Mapping[str, Any]) -> str:
    if entry["low"] is None:
        return ""
    return f" ({_number(entry['low'])}-{_number(entry['high'])})"


def _number(value: float) -> str:
    """Write a share so that one close to 0 or 1 does not look as if it were 0 or 1."""
    if 0 < value < 0.01:
        return f"{value:.2g}"
    return f"{value:.3f}" if 0.99 < value < 1 else f"{value:.2f}"
