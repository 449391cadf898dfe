"""One pass through a network over many images: in parts, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoo.base import interruption
from zoo.base.explanations import Gradients
from zoo.data.pipeline import PREDICTION_BATCH


@dataclass(frozen=True, eq=False)
class Pass:
    """What is known of one array of pixels. Holding it keeps its identity from being given anew."""

    pixels: np.ndarray
    outputs: tuple[np.ndarray, np.ndarray] | None = None
    boxes: np.ndarray | None = None
    targets: tuple[int, ...] = ()
    gradients: Gradients | None = None

    @property
    def kept(self) -> bool:
        """Whether it may be remembered: the pixels cannot change, and there are few of them."""
        return not self.pixels.flags.writeable and 0 < len(self.pixels) <= PREDICTION_BATCH

    def answers(self, targets: tuple[int, ...], by_pixels: bool) -> Gradients | None:
        """Return these gradients if they are known."""
        gradients = self.gradients
        if gradients is None or self.targets != targets:
            return None
        if not by_pixels:
            return replace(gradients, by_pixels=None)
        return None if gradients.by_pixels is None else gradients

    def protect(self) -> None:
        """Let nobody write to its arrays: several callers are given them."""
        given = self.gradients
        gradients = (
            ()
            if given is None
            else (given.logits, given.features, given.by_features, given.by_pixels)
        )
        for array in (*(self.outputs or ()), self.boxes, *gradients):
            if array is not None:
                array.flags.writeable = False


def traced(model: Any) -> Callable[..., Any]:
    """Make one graph of a model that serves batches of any length."""
    import tensorflow as tf

    signature = [tf.TensorSpec(tensor.shape, tf.float32) for tensor in model.inputs]

    # As Keras calls its networks. AutoGraph would parse sources, which must not happen in two
    # threads at once in releases of Python 3.11 (gh-106905).
    @tf.function(input_signature=signature, autograph=False)
    def call(*inputs: Any) -> Any:
        return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    return call


def parts(pixels: np.ndarray, size: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield each part of the images, at least one, as float32; work can be ended before each."""
    for start in range(0, max(len(pixels), 1), size):
        interruption.check()
        part = slice(start, start + size)
        yield part, pixels[part].astype(np.float32)


def joined(tensors: Sequence[Any]) -> np.ndarray:
    """Put what the parts gave together, as float32."""
    return np.concatenate([tensor.numpy() for tensor in tensors]).astype(np.float32, copy=False)
