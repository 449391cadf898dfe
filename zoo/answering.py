"""What a run answers to images: calibrated probabilities and a verdict, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo import novelty
from zoo.classifier import TrainedClassifier, softmax
from zoo.decision import Decision, Verdict
from zoo.novelty import Gate
from zoo.prevalence import correct, stated_shares
from zoo.runs import Run
from zoo.thresholds import operating_point, trained_shares
from zoo.types import Reference


@dataclass(frozen=True, eq=False)
class Answers:
    """What a run says of a batch of images.

    `probabilities` is `(batch, classes)`, for the stated prevalence where one was stated;
    `distances` is `(batch,)`, to the nearest training cases.
    """

    probabilities: np.ndarray
    distances: np.ndarray
    verdicts: tuple[Verdict, ...]


class Answerer:
    """A run made ready to answer: its network, its gate and its rule of decision.

    A stated `prevalence` changes the probabilities that are told. It does not change what is
    decided: the threshold and the sets were chosen on the uncorrected ones.
    """

    def __init__(
        self,
        run: Run,
        classifier: TrainedClassifier,
        cases: Reference,
        *,
        sensitivity: float | None = None,
        prevalence: float | None = None,
    ) -> None:
        self.classifier, self.cases = classifier, cases
        self.gate = gate_of(run, cases)
        self.decision = decision_of(run, operating_point(run, sensitivity))
        self._trained = trained_shares(run)
        self._stated = (
            None
            if prevalence is None
            else stated_shares(prevalence, classifier.positive, self._trained)
        )

    def answer(self, pixels: np.ndarray) -> Answers:
        """Answer to `(batch, height, width, channels)` uint8 pixels at the input size."""
        logits, embeddings = self.classifier.outputs(pixels)
        probabilities = softmax(logits / self.classifier.temperature)
        distances = self.gate.distances([embeddings, novelty.shapes(pixels)])
        verdicts = tuple(self.decision.decide(probabilities, distances))
        if self._stated is not None:
            probabilities = correct(probabilities, self._trained, self._stated)
        return Answers(probabilities, distances, verdicts)


def gate_of(run: Run, cases: Reference) -> Gate:
    """Build the gate of a run from its record and its reference cases."""
    return Gate.from_record(run.record["gate"], novelty.spaces(cases))


def decision_of(run: Run, point: Mapping[str, Any] | None) -> Decision:
    """Build the rule of decision of a run at an operating point."""
    return Decision.from_record(
        {**run.record["decision"], "threshold": None if point is None else point["threshold"]}
    )
