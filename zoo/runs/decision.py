"""From numbers to an answer: a class, or a refusal that says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zoo.base.number_text import percent
from zoo.network.frame import found
from zoo.runs.novelty import SHARE
from zoo.stats.conformal import CONFIDENCE, NEVER_EXCLUDED, sets
from zoo.stats.probabilities import decide

UNCERTAIN, UNKNOWN = "uncertain", "unknown"

SOMEWHAT, VERY = "SOMEWHAT UNLIKE THE TRAINING IMAGES", "VERY UNLIKE THE TRAINING IMAGES"

FRAMED = {"lungs": "lungs", "masks": "part that the masks of its training showed"}
"""What a framed network looks for, by the name of its frame."""

FAR = 2.0
"""Times the gate's limit, from which an image is called very unlike the training images.

X-rays of adults of another hospital lay nearer than that, photographs and noise nearly all farther
(docs/results.md).
"""


@dataclass(frozen=True)
class Verdict:
    """What is answered to one image.

    `label` is shown: the class, UNCERTAIN, or how unlike the training images it is. `predicted` is
    the class that would be named; `refused` is '', 'uncertain' or 'unknown', and `reason` says why
    in a sentence or two, and is empty when a class is named.
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
    frame: str = "whole"
    """What the network is cut to: 'lungs', 'masks', or 'whole' when it is not."""
    subject: str = ""
    """What the training images show, such as 'chest X-ray'."""
    confidence: float = CONFIDENCE
    gate_share: float = SHARE

    def decide(
        self, probabilities: np.ndarray, distances: np.ndarray, boxes: np.ndarray
    ) -> list[Verdict]:
        """Answer to each image: the gate first, then the set of possible classes, then a class.

        `probabilities` is `(n, classes)`, `distances` is `(n,)`, `boxes` is `(n, 4)`: what the
        network saw of each. A framed network that had to see all of an image is not asked: what it
        looks for was not found there.
        """
        predicted = decide(probabilities, self.positive, self.threshold)
        possible = sets(probabilities, self.limits)
        return [
            self._verdict(int(chosen), classes, float(distance), bool(shown))
            for chosen, classes, distance, shown in zip(
                predicted, possible, distances, found(boxes), strict=True
            )
        ]

    def near(self, probabilities: np.ndarray, distances: np.ndarray, within: float) -> np.ndarray:
        """Tell which answers might be others were the numbers a little different, `(n,)` bool.

        That is where a probability is `within` reach of a limit, or a distance within ten times
        that share of one: distances are in standard deviations, where a difference counts for more.
        """
        if self.threshold is None:
            first, second = np.sort(probabilities, axis=1)[:, :-3:-1].T
            close = first - second <= 2 * within
        else:
            close = np.abs(probabilities[:, self.positive] - self.threshold) <= within
        limits = np.where(np.asarray(self.limits) < NEVER_EXCLUDED, self.limits, np.inf)
        close |= (np.abs(1 - probabilities - limits) <= within).any(axis=1)
        for limit in (self.gate_limit, FAR * self.gate_limit):
            close |= np.abs(distances - limit) <= 10 * within * limit
        return close

    def to_record(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Decision:
        """Build a decision from what `to_record` gave."""
        lists = {name: tuple(record[name]) for name in ("class_names", "limits")}
        return cls(**{**record, **lists})

    def _verdict(
        self, predicted: int, possible: np.ndarray, distance: float, shown: bool
    ) -> Verdict:
        if self.frame in FRAMED and not shown:
            label = VERY if distance > self.gate_limit else SOMEWHAT
            reason = (
                f"No plausible {FRAMED[self.frame]} could be found in it, and the network saw all "
                f"of it. {self._unlikeness(distance)}"
            )
            return Verdict(label, predicted, UNKNOWN, reason)
        if distance > self.gate_limit:
            label = VERY if distance > FAR * self.gate_limit else SOMEWHAT
            return Verdict(label, predicted, UNKNOWN, self._unlikeness(distance))
        if possible.sum() == 1 and possible[predicted]:
            return Verdict(self.class_names[predicted], predicted)
        return Verdict("UNCERTAIN", predicted, UNCERTAIN, self._doubt(predicted, possible))

    def _unlikeness(self, distance: float) -> str:
        share = percent(self.gate_share)
        measured = (
            f"Its distance to the training images is {distance:.3f}; {share} of the validation "
            f"images lie within {self.gate_limit:.3f}."
        )
        if distance > FAR * self.gate_limit:
            return f"{measured} It may be no {self.subject or 'image of this kind'} at all."
        kind = f"a {self.subject}" if self.subject else "one"
        return f"{measured} It may be {kind} of another age, view or machine, or an altered one."

    def _doubt(self, predicted: int, possible: np.ndarray) -> str:
        names = [name for name, held in zip(self.class_names, possible, strict=True) if held]
        confidence = percent(self.confidence)
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
