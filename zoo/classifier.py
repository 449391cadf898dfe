"""A trained network with what is needed to use it: logits, probabilities, embeddings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from zoo import graph
from zoo.pipeline import PREDICTION_BATCH


class TrainedClassifier:
    """Wraps a flat functional Keras model: pixels 0-255 in, logits out.

    Pixels are `(batch, height, width, channels)`; long batches are worked through in parts, so
    memory does not grow with their length. `positive` is the index of the class that sensitivity
    and ROC curves are about. Logits are as the network gives them; probabilities are of the logits
    divided by the `temperature` that was fitted on the validation part.
    """

    def __init__(
        self,
        model: Any,
        class_names: tuple[str, ...],
        positive: int,
        temperature: float = 1.0,
    ) -> None:
        self.model = model
        self.temperature = temperature
        self.class_names = class_names
        self.positive = positive
        self.input_shape: tuple[int, int, int] = tuple(model.input_shape[1:])

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, classes)` float32 logits."""
        return self.outputs(pixels)[0]

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, classes)` float32 probabilities that add up to one."""
        return softmax(self.logits(pixels) / self.temperature)

    def embeddings(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, features)` float32: what the last weighted layer sees."""
        return self.outputs(pixels)[1]

    def outputs(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return logits and embeddings from one pass."""
        parts = [
            self._forward(pixels[start : start + PREDICTION_BATCH].astype(np.float32))
            for start in range(0, len(pixels), PREDICTION_BATCH)
        ]
        logits, embeddings = zip(*parts, strict=True)
        return (
            np.concatenate([part.numpy() for part in logits]).astype(np.float32),
            np.concatenate([part.numpy() for part in embeddings]).astype(np.float32),
        )

    @cached_property
    def _forward(self) -> Callable[[np.ndarray], tuple[Any, Any]]:
        import keras
        import tensorflow as tf

        both = keras.Model(self.model.input, [self.model.output, graph.embedding(self.model)])
        signature = [tf.TensorSpec((None, *self.input_shape), tf.float32)]

        @tf.function(input_signature=signature)
        def forward(pixels: Any) -> tuple[Any, Any]:
            logits, embeddings = both(pixels, training=False)
            return logits, embeddings

        return forward


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return `(…, classes)` probabilities of logits."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
