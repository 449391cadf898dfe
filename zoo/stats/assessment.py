"""Everything that is measured of a network's answers to one set of labelled images.

The result is that of `classification_metrics` with these keys besides, null where two classes are
needed and there are more:

    operating_threshold   the threshold that was chosen on validation (zoo.stats.operating)
    calibration           how well probabilities fit (zoo.stats.calibration)
    coverage              accuracy against the share of images that is answered (trade_offs)
    decision_curve        net benefit over all thresholds (zoo.stats.trade_offs)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.stats import calibration, metrics
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.probabilities import decide, margin, softmax
from zoo.stats.trade_offs import coverage_curve, decision_curve


def assess(
    outputs: LabelledLogits,
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
    scores = metrics.classification_metrics(
        labels, probabilities, outputs.patients, class_names, positive, threshold=threshold
    )
    right = decide(probabilities, positive, threshold) == labels
    two = len(class_names) == 2
    return {
        **scores,
        "operating_threshold": dict(point) if point else None,
        "calibration": calibration.calibration_scores(outputs.logits, labels, temperature),
        "coverage": coverage_curve(margin(probabilities, positive, threshold), right),
        "decision_curve": (
            decision_curve(labels == positive, probabilities[:, positive]) if two else None
        ),
    }
