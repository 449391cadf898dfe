"""One explained image as plain data: the answer, its explanations and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zoo.base.displayed import Drawn, Paged
from zoo.base.explanations import Attribution, Examples, Explanation, Reference

if TYPE_CHECKING:
    import numpy as np

    from zoo.interpret.trust.agreement import Agreement
    from zoo.interpret.trust.verdict import Trust
    from zoo.network.frame import Box


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Case(Paged, Drawn):
    """One image, what the network said of it and why.

    `pixels` is `(height, width, channels)` uint8 with 1 or 3 channels; `probabilities` holds one
    number a class; `summaries` gives each explanation method's one-line summary.
    """

    name: str
    pixels: np.ndarray
    probabilities: tuple[float, ...]
    predicted: int
    class_names: tuple[str, ...]
    shape: tuple[int, int] | None = None
    """`(height, width)` of the picture as a person sees it: it is drawn in these proportions.
    None: in those of `pixels`."""
    box: Box | None = None
    """What the network saw of it; None: all of it."""
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
    trust: Mapping[str, Trust] = field(default_factory=dict)
    """Whether to believe each map, by the name of its method."""
    agreements: tuple[Agreement, ...] = ()
    """How alike each two of the maps are."""
    chosen: str = ""
    """Which method was chosen and why, in a sentence; empty where methods were named."""
    notes: tuple[str, ...] = ()
    """Warnings the reader must see beside the prediction."""
    synthetic: bool = False

    @property
    def attributions(self) -> tuple[Attribution, ...]:
        """Return the explanations that are maps over the image."""
        return tuple(given for given in self.explanations if isinstance(given, Attribution))

    @property
    def examples(self) -> tuple[Examples, ...]:
        """Return the explanations that are known cases."""
        return tuple(given for given in self.explanations if isinstance(given, Examples))
