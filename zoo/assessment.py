"""Everything that is measured of a network's answers to one set of labelled images.

The result is that of `zoo.metrics.evaluate` with these keys besides, null where two classes are
needed and there are more:

    operating_threshold   the threshold that was chosen on validation (zoo.operating)
    calibration           how well probabilities fit (zoo.calibration)
    coverage              accuracy against the share of images that is answered (zoo.coverage)
    decision_curve        net benefit over all thresholds (zoo.benefit)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo import calibration, delong, metrics
from zoo.baselines import Baseline, title
from zoo.benefit import decision_curve
from zoo.classifier import softmax
from zoo.coverage import coverage_curve
from zoo.outputs import Outputs


def assess(
    outputs: Outputs,
    class_names: Sequence[str],
    positive: int,
    temperature: float,
    point: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Measure answers with calibrated probabilities at an operating point (None: most probable).

    Raises:
        BadInput: no images, or logits that are not finite.
    """
    labels = outputs.labels
    probabilities = softmax(outputs.logits / temperature)
    threshold = point["threshold"] if point else None
    scores = metrics.evaluate(
        labels, probabilities, outputs.patients, class_names, positive, threshold=threshold
    )
    right = metrics.decide(probabilities, positive, threshold) == labels
    two = len(class_names) == 2
    return {
        **scores,
        "operating_threshold": dict(point) if point else None,
        "calibration": calibration.assess(outputs.logits, labels, temperature),
        "coverage": coverage_curve(metrics.margin(probabilities, positive, threshold), right),
        "decision_curve": (
            decision_curve(labels == positive, probabilities[:, positive]) if two else None
        ),
    }


def score_baselines(
    fitted: Mapping[str, Baseline],
    measured: Mapping[str, np.ndarray],
    truth: np.ndarray,
    patients: np.ndarray,
) -> list[dict[str, Any]]:
    """Return the ROC-AUC of each baseline that never sees the lungs, as plain data."""
    rows = []
    for name, baseline in fitted.items():
        if name not in measured or measured[name].shape[1] != len(baseline.mean):
            continue  # fitted on files, and these are none, or the other way round
        rows.append(
            {
                "name": name,
                "title": title(name, measured[name]),
                "roc_auc": delong.roc_auc(truth, baseline.scores(measured[name]), patients),
            }
        )
    return rows
