"""A network whose weights are shuffled, from the output down to the input."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from zoo.base import interruption
from zoo.network import graph
from zoo.network.classifier import TrainedClassifier
from zoo.network.copying import copied, in_float32

CUTS = 5
"""How many depths the cascade stops at; the last one is the whole network."""
RANDOM_NETWORKS = 3
"""Networks without a trained weight, each shuffled anew: as many as make three pairs."""
WHOLE = "all layers"


@dataclass(frozen=True)
class Stage:
    """A network shuffled from its output down to the layer `name`: its first `depth` layers."""

    name: str
    depth: int
    seed: int = 0


class Copies:
    """A network in shuffled states, one at a time: whoever takes the next ends the one before.

    `pixels` is `(batch, height, width, channels)`: what normalising layers learn their scale from.
    There is one copy of the network, in float32, and only its weights change. So what explainers
    and TensorFlow prepare for a network, which takes seconds, is prepared once.
    """

    def __init__(self, classifier: TrainedClassifier, pixels: np.ndarray) -> None:
        self._trained, self._pixels = classifier, classifier.seen(pixels)
        self._kept: dict[Stage, list[np.ndarray]] = {}
        self._names = [layer.name for layer in weighted_layers(classifier.model)]

    @property
    def cascade(self) -> list[Stage]:
        """Return the stages shuffled ever deeper, without the last one, which is `random`."""
        return [Stage(self._names[depth - 1], depth) for depth in _depths(len(self._names))[:-1]]

    @property
    def random(self) -> list[Stage]:
        """Return stages with nothing left of what was trained, independent of each other."""
        return [Stage(WHOLE, len(self._names), seed) for seed in range(RANDOM_NETWORKS)]

    def at(self, stage: Stage) -> TrainedClassifier:
        """Return the network in that state; the network returned before is the same one.

        Work can be ended before.
        """
        interruption.check()
        if stage not in self._kept:
            self._shuffle(stage)
            self._kept[stage] = self._network.model.get_weights()
        else:
            self._network.model.set_weights(self._kept[stage])
        return self._network

    @cached_property
    def _network(self) -> TrainedClassifier:
        trained = self._trained
        return TrainedClassifier(
            _copy(trained.model),
            trained.class_names,
            trained.positive,
            trained.temperature,
            frame_of=trained,
        )

    def _shuffle(self, stage: Stage) -> None:
        """Shuffle the weights of the stage's layers in the copy.

        Within each array of weights all entries change places. So every layer keeps the size of its
        weights, whatever it was initialised with and however it was trained, and a network without
        normalisation keeps answers of the usual size. Freshly initialised weights would not do:
        with Keras's defaults each depthwise convolution shrinks its input by about the number of
        its channels, and after ten of them neither answers nor gradients are left.

        Batch normalisation that was shuffled takes mean and variance anew from the pictures: those
        of other channels would let the answers grow or vanish from layer to layer.
        """
        import keras

        copy, random = self._network.model, np.random.default_rng(stage.seed)
        interruption.check()  # the copy was made, which takes a second or two the first time
        copy.set_weights(self._trained.model.get_weights())
        chosen, renewed = set(self._names[: stage.depth]), False
        for layer in copy.layers:
            if layer.name in chosen:
                layer.set_weights([_permuted(array, random) for array in layer.get_weights()])
            # A layer that is not trainable keeps its statistics during a pass in training mode.
            layer.trainable = layer.name in chosen
            renewed |= layer.trainable and isinstance(layer, keras.layers.BatchNormalization)
        interruption.check()
        if renewed:
            self._network.inner(self._pixels, training=True)


def weighted_layers(model: Any) -> list[Any]:
    """Return the network's own layers that have weights, the one nearest to the output first.

    What chooses the part of a picture that it sees stays as it is: that is no part of what it
    learned, and a shuffled one would show another part.
    """
    return [layer for layer in reversed(graph.own_layers(model)) if layer.weights]


def _copy(model: Any) -> Any:
    """Copy a flat functional model in float32; a pass in training mode renews all statistics."""
    import keras

    def changed(layer: Any, config: dict[str, Any]) -> dict[str, Any]:
        if isinstance(layer, keras.layers.BatchNormalization):
            config["momentum"] = 0.0  # the next pass alone decides
        return in_float32(layer, config)

    return copied(model, changed)


def _permuted(array: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return random.permutation(array.ravel()).reshape(array.shape)


def _depths(layers: int) -> list[int]:
    return sorted({round(depth) for depth in np.linspace(1, layers, CUTS)})
