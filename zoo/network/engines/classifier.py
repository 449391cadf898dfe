"""A trained network that answers by an engine, and asks Keras where the engine cannot decide."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from zoo.data.pipeline import PREDICTION_BATCH
from zoo.network import frame
from zoo.network.classifier import TrainedClassifier
from zoo.network.engines.answering import BOX, EMBEDDING, LOGITS, PLAUSIBILITY
from zoo.network.export_comparison import TOLERANCE
from zoo.network.export_formats import ExportedNetwork
from zoo.network.passes import parts

Answered = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Logits `(batch, classes)`, embeddings `(batch, features)` and boxes `(batch, 4)`, float32."""


class EngineClassifier:
    """Answers as a `TrainedClassifier` does; that one is loaded only when it is needed.

    `load` gives it. It is asked for pictures whose box the engine nearly refused, or nearly did
    not: there the smallest difference would be another picture to the network.
    """

    def __init__(
        self,
        engine: ExportedNetwork,
        load: Callable[[], TrainedClassifier],
        *,
        positive: int,
        temperature: float,
        input_shape: tuple[int, int, int],
    ) -> None:
        self.positive, self.temperature, self.input_shape = positive, temperature, input_shape
        self._engine, self._load = engine, load

    @cached_property
    def original(self) -> TrainedClassifier:
        """The network in Keras."""
        return self._load()

    def answers(self, pixels: np.ndarray) -> Answered:
        """Return logits, embeddings and boxes of `(batch, height, width, channels)`, 0 to 255."""
        passes = [self._engine(part) for _, part in parts(pixels, PREDICTION_BATCH)]
        given = {name: np.concatenate([one[name] for one in passes]) for name in passes[0]}
        if BOX not in given:
            boxes = np.tile(frame.WHOLE, (len(pixels), 1))
            return given[LOGITS], given[EMBEDDING], boxes
        unsure = np.abs(given[PLAUSIBILITY]).reshape(-1) <= TOLERANCE
        return self.corrected((given[LOGITS], given[EMBEDDING], given[BOX]), pixels, unsure)

    def corrected(self, answered: Answered, pixels: np.ndarray, rows: np.ndarray) -> Answered:
        """Return what was answered, with what Keras answers in the `rows`, `(batch,)` bool."""
        if not rows.any():
            return answered
        logits, embeddings, boxes = (np.array(values) for values in answered)
        logits[rows], embeddings[rows], boxes[rows] = self.original.answers(pixels[rows])
        return logits, embeddings, boxes
