"""What another threshold would give: counts for every place of the slider on a run's page."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.base.errors import DamagedRun
from zoo.base.types import TEST, VALIDATION
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.stats import labelled_logits
from zoo.stats.curves import curves
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.probabilities import softmax
from zoo.web.app.plots import Line, Plot

STEPS = 1000
"""Places of the slider between 0 and 1; the run's own threshold is one more."""
PREVALENCES = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08),
    *(0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8),
    *(0.85, 0.9, 0.95),
)
FILES = {VALIDATION: run_folder.VALIDATION, TEST: run_folder.TESTED}
SERIES = {VALIDATION: 1, TEST: 0}


def kept_answers(run: Run) -> dict[str, LabelledLogits]:
    """Return the answers to the validation and test part that a run has kept; the readable ones."""
    found = {}
    for part, name in FILES.items():
        try:
            found[part] = labelled_logits.load(run_folder.checked(run, name), len(run.class_names))
        except DamagedRun:
            continue  # the page says so where the answers are needed
    return found


def threshold_counts(run: Run) -> dict[str, Any] | None:
    """Return for each threshold how many of each class would be called positive, in each part.

    Plain data: `thresholds` ascending, `own` the place of the run's own threshold in them,
    `prevalences` and `share` the place of the test part's own; `parts` has `positives`,
    `negatives`, and for each threshold `true` and `false` calls. None with more than two classes,
    or where the run has no threshold or no answers.
    """
    answers = kept_answers(run)
    if run.threshold is None or len(run.class_names) != 2 or not answers:
        return None
    positive = run.record["positive"]
    thresholds = np.unique(np.r_[np.linspace(0, 1, STEPS + 1), run.threshold])
    parts: list[dict[str, Any]] = []
    for part, known in answers.items():
        chance = _chances(run, known)
        is_positive = known.labels == positive
        parts.append(
            {
                "part": part,
                "positives": int(is_positive.sum()),
                "negatives": int((~is_positive).sum()),
                "true": _called(chance[is_positive], thresholds),
                "false": _called(chance[~is_positive], thresholds),
            }
        )
    own_share = float(is_positive.mean())
    prevalences = sorted({*PREVALENCES, own_share})
    return {
        "positive": run.class_names[positive],
        "negative": run.class_names[1 - positive],
        "class": positive,
        "thresholds": thresholds.tolist(),
        "own": int(np.searchsorted(thresholds, run.threshold)),
        "prevalences": prevalences,
        "share": prevalences.index(own_share),
        "parts": parts,
    }


def rates(counts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the page says of each part at the run's own threshold, before anything moves."""
    prevalence = counts["prevalences"][counts["share"]]
    rows = []
    for part in counts["parts"]:
        sensitivity = _ratio(part["true"][counts["own"]], part["positives"])
        called = _ratio(part["false"][counts["own"]], part["negatives"])
        specificity = None if called is None else 1 - called
        rows.append(
            {
                "part": part["part"],
                "images": part["positives"] + part["negatives"],
                "sensitivity": sensitivity,
                "specificity": specificity,
                **_predictive(sensitivity, specificity, prevalence),
            }
        )
    return rows


def plots(run: Run) -> list[Plot]:
    """Return the ROC and the precision-recall curve on both parts, with the threshold marked."""
    drawn: dict[str, list[Line]] = {"roc": [], "pr": []}
    for part, known in kept_answers(run).items():
        probabilities = softmax(known.logits / run.temperature)
        found = curves(known.labels, probabilities, run.class_names, run.record["positive"])
        if len(run.class_names) != 2 or not found:
            continue
        curve, point = found[0], _point(run, known)
        series = SERIES[part]
        area, precision = f"{curve['roc_auc']:.3f}", f"{curve['pr_auc']:.3f}"
        roc, pr = (None, None) if point is None else ((point[0], point[1]), (point[1], point[2]))
        x, y = curve["roc"]["x"], curve["roc"]["y"]
        drawn["roc"].append(Line(part, x, y, area, roc, part, series))
        x, y = curve["pr"]["x"], curve["pr"]["y"]
        drawn["pr"].append(Line(part, x, y, precision, pr, part, series))
    if not drawn["roc"]:
        return []
    dots = "The dot is the threshold."
    return [
        Plot(
            "ROC curve",
            f"What sensitivity costs in false alarms; up and to the left is better. {dots}",
            "1 - specificity",
            "sensitivity",
            drawn["roc"],
            kind="roc",
            diagonal=True,
        ),
        Plot(
            "Precision and recall",
            "How many calls are right, at the share of the class in each part itself. " + dots,
            "sensitivity (recall)",
            "positive predictive value",
            drawn["pr"],
            kind="pr",
        ),
    ]


def _chances(run: Run, known: LabelledLogits) -> np.ndarray:
    return softmax(known.logits / run.temperature)[:, run.record["positive"]]


def _called(chance: np.ndarray, thresholds: np.ndarray) -> list[int]:
    """Return how many of the chances are at or above each threshold, as `decide` compares them."""
    places = np.searchsorted(np.sort(chance), thresholds.astype(chance.dtype), side="left")
    return (len(chance) - places).tolist()


def _point(run: Run, known: LabelledLogits) -> tuple[float, float, float] | None:
    """Return 1 - specificity, sensitivity and precision at the run's own threshold."""
    if run.threshold is None:
        return None
    truth = known.labels == run.record["positive"]
    called = _chances(run, known) >= run.threshold
    if truth.all() or not truth.any():
        return None
    right = int((called & truth).sum())
    return (
        float((called & ~truth).sum() / (~truth).sum()),
        float(right / truth.sum()),
        float(right / max(1, called.sum())),
    )


def _ratio(top: int, bottom: int) -> float | None:
    return top / bottom if bottom else None


def _predictive(
    sensitivity: float | None, specificity: float | None, prevalence: float
) -> dict[str, float | None]:
    """Return the predictive values at a prevalence, by Bayes' rule."""
    if sensitivity is None or specificity is None:
        return {"ppv": None, "npv": None}
    found, missed = sensitivity * prevalence, (1 - sensitivity) * prevalence
    alarms, cleared = (1 - specificity) * (1 - prevalence), specificity * (1 - prevalence)
    return {
        "ppv": found / (found + alarms) if found + alarms else None,
        "npv": cleared / (cleared + missed) if cleared + missed else None,
    }
