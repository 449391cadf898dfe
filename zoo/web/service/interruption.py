"""A classifier that can be stopped between two passes through its network."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from zoo.base.explanations import Gradients
from zoo.network.classifier import TrainedClassifier


class Interruptible:
    """Asks before each pass whether somebody still waits, so that a slow method ends in between.

    Explainers keep what they have prepared for a classifier, so this one lasts as long as the
    classifier behind it, and who is asked changes. It is used by one thread at a time. All other
    attributes are those of the classifier.
    """

    def __init__(self, classifier: TrainedClassifier) -> None:
        self._classifier = classifier
        self._ask: Callable[[], None] = _nobody
        self._inside: Interruptible | None = None

    @contextlib.contextmanager
    def asking(self, ask: Callable[[], None]) -> Iterator[None]:
        """Call `ask` before each pass; what it raises ends the work."""
        before, self._ask = self._ask, ask
        try:
            yield
        finally:
            self._ask = before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._classifier, name)

    @property
    def inside(self) -> Interruptible:
        """Return a classifier of what is seen, which asks the same."""
        if self._inside is None:
            inside = self._classifier.inside
            self._inside = self if inside is self._classifier else Interruptible(inside)
        self._inside._ask = self._ask
        return self._inside

    def logits(self, pixels: np.ndarray, boxes: np.ndarray | None = None) -> np.ndarray:
        """Return `(batch, classes)` float32 logits; with `boxes`, of what is in these."""
        self._ask()
        return self._classifier.logits(pixels, boxes)

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, classes)` float32 probabilities that add up to one."""
        self._ask()
        return self._classifier.probabilities(pixels)

    def embeddings(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, features)` float32: what the last weighted layer sees."""
        self._ask()
        return self._classifier.embeddings(pixels)

    def outputs(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return logits and embeddings from one pass."""
        self._ask()
        return self._classifier.outputs(pixels)

    def gradients(
        self, pixels: np.ndarray, targets: Sequence[int], *, by_pixels: bool = False
    ) -> Gradients:
        """Differentiate the logit of each image's target by the last feature map, or pixels too."""
        self._ask()
        return self._classifier.gradients(pixels, targets, by_pixels=by_pixels)


def _nobody() -> None:
    """Let the work go on: nobody waits for it in particular."""
