"""Whether a probability means what it says, and one number that mends most of it.

`calibration_scores` returns plain data that `json.dumps` takes:

    temperature    what logits are divided by before the softmax
    before, after  {ece_width, ece_mass, brier, bins} without and with the temperature, where bins
                   are {confidence, accuracy, images} of the equal-mass bins

Source: Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, 2017; the Brier
score: Brier, Verification of Forecasts Expressed in Terms of Probability, 1950.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.stats.intervals import CONFIDENCE
from zoo.stats.probabilities import softmax

BINS = 15
DRAWS = 2000

LOWEST, HIGHEST = 0.05, 20.0
"""Temperatures that are considered; beyond them the probabilities are all 0 and 1, or all equal."""


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature that makes `(images, classes)` logits most likely for the labels."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature)
        peak = scaled.max(axis=1)
        total = peak + np.log(np.exp(scaled - peak[:, None]).sum(axis=1))
        return float((total - scaled[rows, labels]).mean())

    bounds = (np.log(LOWEST), np.log(HIGHEST))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def calibration_scores(
    logits: np.ndarray, labels: np.ndarray, temperature: float
) -> dict[str, Any]:
    """Measure calibration with and without a temperature; the module's docstring has the schema."""
    logits = logits.astype(np.float64)
    return {
        "temperature": temperature,
        "before": _scores(softmax(logits), labels),
        "after": _scores(softmax(logits / temperature), labels),
    }


def calibration_error(confidence: np.ndarray, right: np.ndarray, edges: np.ndarray) -> float:
    """Return the expected calibration error: how far confidence and accuracy lie apart, on average.

    `confidence` is `(images,)` from 0 to 1, `right` is `(images,)` bool; bins lie between `edges`.
    """
    gaps = [
        abs(b["confidence"] - b["accuracy"]) * b["images"] for b in _bins(confidence, right, edges)
    ]
    return float(sum(gaps) / len(confidence))


def error_by_chance(bins: Sequence[Mapping[str, Any]]) -> float:
    """Return up to which calibration error bins of right probabilities would show, 95 of 100 times.

    Of few images some lie off the line by chance, and the error is never negative. `bins` are those
    of a score; their confidence counts as that of all their images.

    Source: Bröcker and Smith, Increasing the Reliability of Reliability Diagrams, 2007.
    """
    images = np.array([b["images"] for b in bins])
    confidence = np.array([b["confidence"] for b in bins])
    right = np.random.default_rng(0).binomial(images, confidence, (DRAWS, len(bins)))
    errors = np.abs(right - images * confidence).sum(axis=1) / images.sum()
    return float(np.quantile(errors, CONFIDENCE))


def _scores(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    by_width = np.linspace(0, 1, BINS + 1)
    by_mass = np.quantile(confidence, np.linspace(0, 1, BINS + 1))
    truth = np.eye(probabilities.shape[1])[labels]
    return {
        "ece_width": calibration_error(confidence, right, by_width),
        "ece_mass": calibration_error(confidence, right, by_mass),
        "brier": float(((probabilities - truth) ** 2).sum(axis=1).mean()),
        "bins": _bins(confidence, right, by_mass),
    }


def _bins(confidence: np.ndarray, right: np.ndarray, edges: np.ndarray) -> list[dict[str, Any]]:
    places = np.searchsorted(edges[1:-1], confidence, side="right")
    return [
        {
            "confidence": float(confidence[inside].mean()),
            "accuracy": float(right[inside].mean()),
            "images": int(inside.sum()),
        }
        for place in range(len(edges) - 1)
        if (inside := places == place).any()
    ]
