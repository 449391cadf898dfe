"""What a run answers to images: calibrated probabilities and a verdict, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.base.errors import InvalidSetting
from zoo.base.explanations import Reference
from zoo.base.types import TRAIN, VALIDATION
from zoo.network.classifier import TrainedClassifier
from zoo.network.engines.classifier import Answered, EngineClassifier
from zoo.network.export_comparison import TOLERANCE
from zoo.runs import novelty, run_folder
from zoo.runs.decision import Decision, Verdict
from zoo.runs.novelty import Gate
from zoo.runs.outputs import Outputs, check_finite
from zoo.runs.run_folder import Run
from zoo.stats import labelled_logits, operating
from zoo.stats.prevalence import correct, stated_shares
from zoo.stats.probabilities import softmax


@dataclass(frozen=True, eq=False)
class Answers:
    """What a run says of a batch of images.

    `probabilities` is `(batch, classes)`, for the stated prevalence where one was stated;
    `distances` is `(batch,)`, to the nearest training cases; `boxes` is `(batch, 4)`: what the
    network saw of each image.
    """

    probabilities: np.ndarray
    distances: np.ndarray
    verdicts: tuple[Verdict, ...]
    boxes: np.ndarray


class Answerer:
    """A run made ready to answer: its network, its gate and its rule of decision.

    A stated `prevalence` changes the probabilities that are told. It does not change what is
    decided: the threshold and the sets were chosen on the uncorrected ones. What an engine answers
    near a limit is asked again of Keras, so that what is decided does not depend on the engine.
    """

    def __init__(
        self,
        run: Run,
        classifier: TrainedClassifier | EngineClassifier,
        cases: Reference,
        *,
        sensitivity: float | None = None,
        prevalence: float | None = None,
    ) -> None:
        self.run, self.classifier, self.cases = run, classifier, cases
        self.gate = gate_of(run, cases)
        self.decision = decision_of(run, operating_point(run, sensitivity))
        self._trained = trained_shares(run)
        self._stated = (
            None
            if prevalence is None
            else stated_shares(prevalence, classifier.positive, self._trained)
        )

    def answer(self, pixels: np.ndarray, shapes: np.ndarray | None = None) -> Answers:
        """Answer to `(batch, height, width, channels)` uint8 pixels at the input size.

        `shapes` is what `novelty.shapes` says of them, where that is known already.

        Raises:
            DamagedRun: the network gives what is no number.
        """
        answered = self.classifier.answers(pixels)
        if shapes is None:
            shapes = novelty.shapes(pixels)
        probabilities, distances = self._measured(answered, shapes)
        if isinstance(self.classifier, EngineClassifier):
            near = self.decision.near(probabilities, distances, TOLERANCE)
            if near.any():
                answered = self.classifier.corrected(answered, pixels, near)
                probabilities, distances = self._measured(answered, shapes)
        boxes = answered[2]
        verdicts = tuple(self.decision.decide(probabilities, distances, boxes))
        if self._stated is not None:
            probabilities = correct(probabilities, self._trained, self._stated)
        return Answers(probabilities, distances, verdicts, boxes)

    def _measured(self, answered: Answered, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities and distances of what the network answered."""
        logits, embeddings, _ = answered
        places = [f"image {place + 1}" for place in range(len(logits))]
        check_finite(places, logits=logits, embeddings=embeddings)
        probabilities = softmax(logits / self.classifier.temperature)
        return probabilities, self.gate.distances([embeddings, shapes])


def undecided(
    run: Run, given: Outputs, cases: Reference, point: Mapping[str, Any] | None
) -> np.ndarray:
    """Return the rows of what an engine gave in which a small difference could change an answer."""
    probabilities = softmax(given.logits / run.temperature)
    distances = gate_of(run, cases).distances([given.embeddings, given.shapes])
    return np.flatnonzero(decision_of(run, point).near(probabilities, distances, TOLERANCE))


def gate_of(run: Run, cases: Reference) -> Gate:
    """Build the gate of a run from its record and its reference cases."""
    return Gate.from_record(run.record["gate"], novelty.spaces(cases))


def decision_of(run: Run, point: Mapping[str, Any] | None) -> Decision:
    """Build the rule of decision of a run at an operating point."""
    return Decision.from_record(
        {**run.record["decision"], "threshold": None if point is None else point["threshold"]}
    )


def operating_point(run: Run, sensitivity: float | None = None) -> Mapping[str, Any] | None:
    """Return the point a run was stored with, or the one that reaches `sensitivity`.

    None with more than two classes: the most probable is taken then.

    Raises:
        InvalidSetting: a sensitivity for more than two classes, or one that is no share.
    """
    stored = run.record["operating_point"]
    if sensitivity is None:
        return stored
    if stored is None:
        raise InvalidSetting(
            f"A sensitivity was given for {len(run.class_names)} classes; a threshold can only "
            "decide between two. Leave it out: the most probable class is then taken."
        )
    classes = len(run.class_names)
    validation = labelled_logits.load(run.path / run_folder.VALIDATION, classes)
    if (run.path / run_folder.STRESSED).is_file():
        stressed = labelled_logits.load(run.path / run_folder.STRESSED, classes)
        validation = labelled_logits.alike(validation, stressed)
    positive = run.record["positive"]
    return operating.choose_threshold(
        validation.labels == positive,
        softmax(validation.logits / run.temperature)[:, positive],
        validation.patients,
        sensitivity,
    )


def validation_shares(run: Run) -> list[float]:
    """Return the classes' shares among the validation images."""
    counts = run.record["splits"][VALIDATION]["classes"]
    return [count / sum(counts) for count in counts]


def trained_shares(run: Run) -> list[float]:
    """Return the class shares that the run's probabilities are for.

    Class weights make every class count the same, and the temperature does not undo that.
    """
    if run.record["recipe"]["class_weights"]:
        return [1 / len(run.class_names)] * len(run.class_names)
    counts = run.record["splits"][TRAIN]["classes"]
    return [count / sum(counts) for count in counts]
