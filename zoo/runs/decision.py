"""From numbers to an answer: a class, or a refusal that says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zoo.runs.novelty import SHARE
from zoo.stats.conformal import CONFIDENCE, sets
from zoo.stats.probabilities import decide

UNCERTAIN, UNKNOWN = "uncertain", "unknown"


@dataclass(frozen=True)
class Verdict:
    """What is answered to one image.

    `label` is shown: the class, UNCERTAIN, or that the image is none of the kind. `predicted` is
    the class that would be named; `refused` is '', 'uncertain' or 'unknown', and `reason` a
    sentence that is empty when a class is named.
    """

    label: str
    predicted: int
    refused: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Decision:
    """How a run decides: threshold, conformal limits and the gate's limit, as plain data."""

    class_names: tuple[str, ...]
    positive: int
    threshold: float | None
    """The probability from which the positive class is called; None: the most probable class."""
    limits: tuple[float, ...]
    """The highest nonconformity at which each class is still possible (zoo.runs.decision)."""
    gate_limit: float
    """The distance to the training cases up to which an image is answered (zoo.runs.novelty)."""
    subject: str = ""
    """What the training images show, such as 'chest X-ray'."""
    confidence: float = CONFIDENCE
    gate_share: float = SHARE

    def decide(self, probabilities: np.ndarray, distances: np.ndarray) -> list[Verdict]:
        """Answer to each image: the gate first, then the set of possible classes, then a class.

        `probabilities` is `(n, classes)`, `distances` is `(n,)`.
        """
        predicted = decide(probabilities, self.positive, self.threshold)
        possible = sets(probabilities, self.limits)
        return [
            self._verdict(int(chosen), own, float(distance))
            for chosen, own, distance in zip(predicted, possible, distances, strict=True)
        ]

    def to_record(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Decision:
        """Build a decision from what `to_record` gave."""
        lists = {name: tuple(record[name]) for name in ("class_names", "limits")}
        return cls(**{**record, **lists})

    def _verdict(self, predicted: int, possible: np.ndarray, distance: float) -> Verdict:
        if distance > self.gate_limit:
            subject = self.subject.upper()
            label = f"NOT A {subject}" if subject else "NOT LIKE THE TRAINING IMAGES"
            reason = (
                f"It is unlike the training images: its distance to them is {distance:.3f}, and "
                f"{_percent(self.gate_share)} of the validation images lie within "
                f"{self.gate_limit:.3f}."
            )
            if self.subject:
                reason += (
                    f" Or it is a {self.subject} of another kind: of another age, view or machine."
                )
            return Verdict(label, predicted, UNKNOWN, reason)
        if possible.sum() == 1 and possible[predicted]:
            return Verdict(self.class_names[predicted], predicted)
        return Verdict("UNCERTAIN", predicted, UNCERTAIN, self._doubt(predicted, possible))

    def _doubt(self, predicted: int, possible: np.ndarray) -> str:
        names = [name for name, held in zip(self.class_names, possible, strict=True) if held]
        confidence = _percent(self.confidence)
        if not names:
            return f"It fits no class as well as {confidence} of the validation images fit theirs."
        if len(names) > 1:
            return f"At {confidence} confidence it could be {listed(names)}."
        called = self.class_names[predicted]
        other = (
            f"{called} is the most probable class"
            if self.threshold is None
            else f"the threshold calls it {called}"
        )
        return f"At {confidence} confidence it could only be {names[0]}, but {other}."


def listed(names: Sequence[str]) -> str:
    """Join names as in 'A, B or C'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"
