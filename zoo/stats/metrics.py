"""What a classifier's probabilities are worth: the classic report, and figures with intervals.

`classification_metrics` returns plain data that `json.dumps` takes (schema 1):

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

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from zoo.base.errors import BadInput
from zoo.stats.curves import areas, curves, operating_point
from zoo.stats.delong import Statistic, over_classes, roc_area, share
from zoo.stats.intervals import (
    CONFIDENCE,
    image_weights,
    patient_rows,
    percentile_interval,
)
from zoo.stats.probabilities import decide

SCHEMA = 1


def classification_metrics(
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
    are 95 % intervals by patient: those of `delong`, and for `pr_auc` percentile bootstrap
    intervals over `resamples`. With more than two classes the sensitivity, the specificity and the
    areas are means over the classes that occur, each against the rest.

    Raises:
        BadInput: no images, or probabilities that are not finite.
        InvalidSetting: a threshold outside 0 to 1, or one given with more than two classes.
    """
    labels, probabilities, patients = _check(labels, probabilities, patients, class_names)
    classes = len(class_names)
    predicted = decide(probabilities, positive, threshold)
    values = statistics(labels, probabilities, predicted, positive, patients)
    metrics = {name: _measured(name, figure, patients) for name, figure in values.items()}
    rows, number = patient_rows(patients)
    drawn = image_weights(rows, resamples, seed)
    metrics["pr_auc"] = _pr_auc(labels, probabilities, positive, drawn)
    cells = np.bincount(labels * classes + predicted, minlength=classes**2)
    confusion = cells.reshape(classes, classes)
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
    names = ("accuracy", "balanced_accuracy", "roc_auc", "pr_auc")
    if not len(labels) or not np.isfinite(probabilities).all():
        return dict.fromkeys(names, float("nan"))
    labels = np.asarray(labels, np.int64)
    everyone = np.arange(len(labels))
    measured = statistics(labels, probabilities, probabilities.argmax(axis=1), positive, everyone)
    values = {name: figure.value for name, figure in measured.items()}
    values["pr_auc"] = float(
        _precision(labels, probabilities, positive, np.ones((1, len(labels))))[0]
    )
    return {name: values[name] for name in names}


def statistics(
    labels: np.ndarray,
    probabilities: np.ndarray,
    predicted: np.ndarray,
    positive: int,
    patients: np.ndarray | Sequence[str],
) -> dict[str, Statistic]:
    """Return sensitivity, specificity, balanced_accuracy, accuracy and roc_auc.

    `labels` and `predicted` are `(n,)` int, `probabilities` is `(n, classes)`. With more than two
    classes all but the accuracy are means over the classes that occur, each against the rest.
    """
    present = np.unique(labels).tolist()
    looked_for = _looked_for(labels, probabilities, positive)
    right = predicted == labels
    recalls = {c: share(right, labels == c, patients) for c in {*present, *looked_for}}
    balanced = over_classes([recalls[c] for c in present])
    undefined = Statistic(float("nan"), np.zeros(len(labels)))
    return {
        "sensitivity": over_classes([recalls[c] for c in looked_for]),
        "specificity": over_classes(
            [share(predicted != c, labels != c, patients) for c in looked_for]
        ),
        "balanced_accuracy": balanced if len(present) > 1 else undefined,
        "accuracy": share(right, np.ones(len(labels), bool), patients),
        "roc_auc": roc_area(labels[:, None] == looked_for, probabilities[:, looked_for], patients),
    }


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


def _looked_for(labels: np.ndarray, probabilities: np.ndarray, positive: int) -> list[int]:
    """Return the classes that a mean is over: the positive one of two, else all that occur."""
    return [positive] if probabilities.shape[1] == 2 else np.unique(labels).tolist()


def _precision(
    labels: np.ndarray, probabilities: np.ndarray, positive: int, weights: np.ndarray
) -> np.ndarray:
    """Return `(sets,)` average precisions for `(sets, n)` weights."""
    each = [
        areas(labels == index, probabilities[:, index], weights)[1]
        for index in _looked_for(labels, probabilities, positive)
    ]
    return np.mean(each, axis=0)


def _measured(name: str, figure: Statistic, patients: np.ndarray) -> dict[str, Any]:
    entry = figure.within(patients)
    note = ""
    if entry["value"] is None:
        note = _undefined(name)
    elif entry["value"] in (0, 1):
        what = "pairs of patients" if name == "roc_auc" else "patients"
        note = f"Exact (Clopper-Pearson) bound over {figure.independent} {what}."
    elif entry["low"] is None:
        note = "No interval: no patient moves the figure."
    return {**entry, "note": note}


def _pr_auc(
    labels: np.ndarray,
    probabilities: np.ndarray,
    positive: int,
    drawn: Iterable[np.ndarray],
) -> dict[str, Any]:
    value = float(_precision(labels, probabilities, positive, np.ones((1, len(labels))))[0])
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None, "note": _undefined("pr_auc")}
    spread = [_precision(labels, probabilities, positive, weights) for weights in drawn]
    low, high = percentile_interval(np.concatenate(spread)) or (None, None)
    note = "No interval: too few patients, or no variation among the resamples."
    return {"value": value, "low": low, "high": high, "note": note if low is None else ""}


def _undefined(name: str) -> str:
    missing = {
        "sensitivity": "no image has the class that is looked for",
        "specificity": "no image has another class than the one looked for",
    }
    return f"Undefined: {missing.get(name, 'all images have the same class')}."


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
