"""What a report of one explained image needs, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zoo.types import Attribution, Examples, Explanation, Neighbour, Reference

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """One image, what the network said of it and why.

    `pixels` is `(height, width, channels)` uint8 with 1 or 3 channels; `probabilities` holds one
    number a class; `summaries` gives each explanation method's one-line summary.
    """

    name: str
    pixels: np.ndarray
    probabilities: tuple[float, ...]
    predicted: int
    class_names: tuple[str, ...]
    explanations: tuple[Explanation, ...] = ()
    reference: Reference | None = None
    run: str = ""
    label: int | None = None
    """The true class, when it is known."""
    threshold: float | None = None
    """The probability from which the positive class is called; None: the most probable class."""
    refused: str = ""
    """What is answered instead of a class, such as UNCERTAIN; empty when a class is named."""
    reason: str = ""
    """Why it was refused, in a sentence."""
    summaries: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """Warnings the reader must see beside the prediction."""
    synthetic: bool = False

    @property
    def attributions(self) -> tuple[Attribution, ...]:
        """Return the explanations that are maps over the image."""
        return tuple(found for found in self.explanations if isinstance(found, Attribution))

    @property
    def examples(self) -> tuple[Examples, ...]:
        """Return the explanations that are known cases."""
        return tuple(found for found in self.explanations if isinstance(found, Examples))


def prediction_text(case: Case) -> str:
    """Say the prediction: `PNEUMONIA, probability 93 %`, or that none is made and why."""
    if case.refused:
        return f"{case.refused}. {case.reason}"
    return f"{case.class_names[case.predicted]}, probability {percent(case)[case.predicted]}"


def percent(case: Case) -> tuple[str, ...]:
    """Write the probabilities; what is not exactly 0 or 1 is never shown as 0 % or 100 %."""
    return tuple(_percent(float(probability)) for probability in case.probabilities)


def agreement_text(case: Case, examples: Examples) -> str:
    """Say how many of the nearest cases share the target's label."""
    target = case.class_names[examples.target]
    number = examples.details.get("neighbours", len(examples.similar))
    if not isinstance(number, int) or number < 1:
        return "There is no case to compare with."
    return f"{round(examples.agreement * number)} of {number} nearest training cases are {target}"


def neighbour_label(case: Case, neighbour: Neighbour) -> str:
    """Return the class name of a reference case; empty when the run keeps none."""
    if case.reference is None:
        return ""
    return case.class_names[int(case.reference.labels[neighbour.index])]


def thumbnail(case: Case, neighbour: Neighbour) -> bytes | None:
    """Return the encoded picture of a reference case, or None when there is none."""
    if case.reference is None or not case.reference.thumbnails:
        return None
    return case.reference.thumbnails[neighbour.index]


def fact(key: str, value: float | int | str) -> tuple[str, str]:
    """Write one detail of an explanation in plain words and few digits."""
    return key.replace("_", " "), f"{value:.3g}" if isinstance(value, float) else str(value)


def _percent(probability: float) -> str:
    if 0 < probability < 0.005:
        return "< 1 %"
    if 0.995 <= probability < 1:
        return "> 99 %"
    return f"{100 * probability:.0f} %"


def explanation_text(case: Case, explanation: Explanation) -> str:
    """Say in one line what a method found, for a terminal."""
    if isinstance(explanation, Examples):
        return agreement_text(case, explanation)
    facts = ", ".join(
        f"{name} {text}" for name, text in (fact(*item) for item in explanation.details.items())
    )
    target = case.class_names[explanation.target]
    return f"evidence for {target}" + (f" ({facts})" if facts else "")
