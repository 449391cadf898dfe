"""From numbers to an answer: a class, or a refusal that says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zoo.conformal import CONFIDENCE, sets
from zoo.metrics import decide
from zoo.novelty import SHARE

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
    """The highest nonconformity at which each class is still possible (zoo.conformal)."""
    gate_limit: float
    """The distance to the training cases up to which an image is answered (zoo.novelty)."""
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
                f"Its distance to the training cases is {distance:.2f}; {self.gate_share:.0%} of "
                f"the validation cases lie within {self.gate_limit:.2f}."
            )
            return Verdict(label, predicted, UNKNOWN, reason)
        if possible.sum() == 1 and possible[predicted]:
            return Verdict(self.class_names[predicted], predicted)
        return Verdict("UNCERTAIN", predicted, UNCERTAIN, self._doubt(predicted, possible))

    def _doubt(self, predicted: int, possible: np.ndarray) -> str:
        names = [name for name, held in zip(self.class_names, possible, strict=True) if held]
        if not names:
            return (
                f"It fits no class as well as {self.confidence:.0%} of the validation cases fit "
                "theirs."
            )
        if len(names) > 1:
            return f"At {self.confidence:.0%} confidence it could be {listed(names)}."
        return (
            f"At {self.confidence:.0%} confidence it could only be {names[0]}, but the threshold "
            f"calls it {self.class_names[predicted]}."
        )


def listed(names: Sequence[str]) -> str:
    """Join names as in 'A, B or C'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
