"""What a classifier's probabilities are worth: the classic report, and figures with intervals.

`evaluate` returns plain data that `json.dumps` takes (schema 1):

    schema        1
    class_names   list of str;  positive: index of the class that is looked for
    threshold     float, or null when the most probable class was taken
    images, patients, resamples: int;  confidence: 0.95
    classes       one {name, precision, recall, f1, support} a class
    macro, weighted: {precision, recall, f1, support}
    confusion     confusion[true][predicted], numbers of images
    metrics       sensitivity, specificity, balanced_accuracy, accuracy, roc_auc, pr_auc:
                  {value, low, high, note}; null where undefined, and `note` then says why
    curves        one {name, roc_auc, pr_auc, prevalence, roc: {x, y}, pr: {x, y}} for the positive
                  class (two classes) or for each class against the rest; at most 200 points each
    operating_point  {false_positive_rate, recall, precision}, two classes only, else null

As in scikit-learn, a precision, recall or F1 with nothing to divide by is 0 in `classes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.base.errors import BadInput
from zoo.stats.curves import areas, curves, operating_point, ratio
from zoo.stats.intervals import (
    CONFIDENCE,
    exact_bound,
    image_weights,
    patient_rows,
    percentile_interval,
    resample,
)
from zoo.stats.probabilities import decide

SCHEMA = 1

RATES = ("sensitivity", "specificity", "balanced_accuracy", "accuracy")

AREAS = ("roc_auc", "pr_auc")


def evaluate(
    labels: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray | Sequence[str],
    class_names: Sequence[str],
    positive: int,
    *,
    threshold: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure predictions; the module's docstring gives the schema of the result.

    `labels` is `(n,)` int, `probabilities` is `(n, classes)`, `patients` is `(n,)` str. Intervals
    are 95 % percentile bootstrap intervals over patients. With more than two classes the
    sensitivity, the specificity and the areas are means over the classes that occur, each against
    the rest.

    Raises:
        BadInput: no images, or probabilities that are not finite.
        InvalidSetting: a threshold outside 0 to 1, or one given with more than two classes.
    """
    labels, probabilities, patients = _check(labels, probabilities, patients, class_names)
    classes = len(class_names)
    predicted = decide(probabilities, positive, threshold)
    rows, number = patient_rows(patients)
    cells = np.bincount(
        (rows * classes + labels) * classes + predicted, minlength=number * classes**2
    ).reshape(number, classes**2)
    present = np.unique(labels)
    counts = resample(number, resamples, seed)

    values = _rates(cells.sum(axis=0)[None], positive, present)
    values |= _areas(labels, probabilities, np.ones((1, len(labels))), positive, present)
    spread = _rates(counts @ cells, positive, present)
    chunks = [
        _areas(labels, probabilities, weights, positive, present)
        for weights in image_weights(counts, rows)
    ]
    spread |= {name: np.concatenate([chunk[name] for chunk in chunks]) for name in AREAS}

    about = {
        "sensitivity": labels == positive,
        "specificity": labels != positive,
        "accuracy": np.ones(len(labels), bool),
    }
    if classes > 2:
        about = {"accuracy": about["accuracy"]}
    independent = {name: len(np.unique(rows[chosen])) for name, chosen in about.items()}
    if classes == 2:  # patients of either class, paired off: comparisons that share nobody
        independent["roc_auc"] = min(independent["sensitivity"], independent["specificity"])
    metrics = {
        name: _with_interval(name, float(values[name][0]), spread[name], independent)
        for name in RATES + AREAS
    }
    confusion = cells.sum(axis=0).reshape(classes, classes)
    return {
        "schema": SCHEMA,
        "class_names": list(class_names),
        "positive": int(positive),
        "threshold": None if threshold is None else float(threshold),
        "images": len(labels),
        "patients": number,
        "resamples": resamples,
        "confidence": CONFIDENCE,
        **_classic_report(labels, predicted, class_names),
        "confusion": confusion.tolist(),
        "metrics": metrics,
        "curves": curves(labels, probabilities, class_names, positive),
        "operating_point": operating_point(confusion, positive),
    }


def training_metrics(
    labels: np.ndarray, probabilities: np.ndarray, positive: int
) -> dict[str, float]:
    """Return accuracy, balanced_accuracy, roc_auc and pr_auc, cheap enough for every epoch.

    NaN where a figure is undefined: one class only, or probabilities that are not finite.
    """
    names = ("accuracy", "balanced_accuracy", *AREAS)
    if not len(labels) or not np.isfinite(probabilities).all():
        return dict.fromkeys(names, float("nan"))
    labels = np.asarray(labels, np.int64)
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    cells = np.bincount(labels * classes + predicted, minlength=classes**2)
    present = np.unique(labels)
    values = _rates(cells[None], positive, present)
    values |= _areas(labels, probabilities, np.ones((1, len(labels))), positive, present)
    return {name: float(values[name][0]) for name in names}


def _check(
    labels: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray | Sequence[str],
    class_names: Sequence[str],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = np.asarray(labels, np.int64)
    probabilities = np.asarray(probabilities, np.float64)
    patients = np.asarray(patients, str)
    if not len(labels):
        raise BadInput("There are no images to evaluate. Expected at least one labelled image.")
    if probabilities.shape != (len(labels), len(class_names)) or patients.shape != labels.shape:
        raise ValueError(
            f"labels {labels.shape}, probabilities {probabilities.shape} and patients "
            f"{patients.shape} do not fit each other and {len(class_names)} classes"
        )
    if labels.min() < 0 or labels.max() >= len(class_names):
        raise ValueError(f"labels reach from {labels.min()} to {labels.max()}")
    if not np.isfinite(probabilities).all():
        raise BadInput(
            "The network's probabilities hold values that are not numbers. The training most "
            "likely diverged: train again with a smaller learning rate."
        )
    return labels, probabilities, patients


def _rates(cells: np.ndarray, positive: int, present: np.ndarray) -> dict[str, np.ndarray]:
    """Return the rates of `(sets, classes * classes)` confusion counts, each `(sets,)`."""
    classes = round(cells.shape[1] ** 0.5)
    confusion = cells.reshape(-1, classes, classes).astype(np.float64)
    right = np.diagonal(confusion, axis1=1, axis2=2)
    support = confusion.sum(axis=2)
    total = support.sum(axis=1)
    recall = ratio(right, support)
    false_alarms = confusion.sum(axis=1) - right
    specificity = 1 - ratio(false_alarms, total[:, None] - support)
    # A mean over a varying set of classes would be another figure in each resample: NaN instead.
    chosen = np.array([positive]) if classes == 2 else present
    balanced = recall[:, present].mean(axis=1)
    return {
        "sensitivity": recall[:, chosen].mean(axis=1),
        "specificity": specificity[:, chosen].mean(axis=1),
        "balanced_accuracy": balanced if len(present) > 1 else np.full_like(balanced, np.nan),
        "accuracy": ratio(right.sum(axis=1), total),
    }


def _areas(
    labels: np.ndarray,
    probabilities: np.ndarray,
    weights: np.ndarray,
    positive: int,
    present: np.ndarray,
) -> dict[str, np.ndarray]:
    chosen = np.array([positive]) if probabilities.shape[1] == 2 else present
    each = [areas(labels == index, probabilities[:, index], weights) for index in chosen]
    return dict(zip(AREAS, np.mean(each, axis=0), strict=True))


def _with_interval(
    name: str, value: float, spread: np.ndarray, independent: dict[str, int]
) -> dict[str, Any]:
    if not np.isfinite(value):
        missing = {
            "sensitivity": "no image has the class that is looked for",
            "specificity": "no image has another class than the one looked for",
        }
        note = missing.get(name, "all images have the same class")
        return {"value": None, "low": None, "high": None, "note": f"Undefined: {note}."}
    low: float | None = None
    high: float | None = None
    note = ""
    interval = percentile_interval(spread)
    if interval:
        low, high = interval
    elif value in (0, 1) and name in independent:
        low, high = exact_bound(value, independent[name])
        what = "pairs of patients" if name == "roc_auc" else "patients"
        note = f"Exact (Clopper-Pearson) bound over {independent[name]} {what}."
    else:
        note = "No interval: too few patients, or no variation among the resamples."
    return {"value": value, "low": low, "high": high, "note": note}


def _classic_report(
    labels: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]
) -> dict[str, Any]:
    from sklearn.metrics import precision_recall_fscore_support

    def scores(average: str | None) -> Any:
        every = range(len(class_names))
        return precision_recall_fscore_support(
            labels, predicted, labels=every, average=average, zero_division=0
        )

    def entry(scored: Sequence[float], support: int) -> dict[str, Any]:
        named = zip(("precision", "recall", "f1"), scored, strict=True)
        return {name: float(value) for name, value in named} | {"support": int(support)}

    columns = zip(*scores(None), strict=True)
    return {
        "classes": [
            {"name": name, **entry(scored, support)}
            for name, (*scored, support) in zip(class_names, columns, strict=True)
        ],
        **{kind: entry(scores(kind)[:3], len(labels)) for kind in ("macro", "weighted")},
    }
