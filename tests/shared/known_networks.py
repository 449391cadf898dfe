"""Networks small enough that the right map of them is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from whole_pictures import WholePictures

from zoo import Images
from zoo.network.classifier import TrainedClassifier


def classifier_of(model, class_names=("left", "right")) -> TrainedClassifier:
    return TrainedClassifier(model, class_names, positive=1)


def images_of(pixels) -> Images:
    names = tuple(f"image {i}" for i in range(len(pixels)))
    return Images(np.asarray(pixels, np.uint8), names, (None,) * len(names), names)


def halves_network(channels=3, side=32):
    """Class 0 counts what is bright on the left, class 1 what is bright on the right."""
    import keras
    from keras import layers

    inputs = keras.Input((side, side, channels))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(2, 4, strides=4, name="features")(x)
    x = layers.ReLU()(x)
    outputs = layers.Dense(2, name="logits")(layers.Flatten()(x))
    model = keras.Model(inputs, outputs)
    kernel = np.full((4, 4, channels, 2), 1 / (16 * channels), np.float32)
    model.get_layer("features").set_weights([kernel, np.zeros(2, np.float32)])
    cells = side // 4
    weights = np.zeros((cells, cells, 2, 2), np.float32)
    weights[:, : cells // 2, 0, 0] = 1
    weights[:, cells // 2 :, 1, 1] = 1
    model.get_layer("logits").set_weights([weights.reshape(-1, 2), np.zeros(2, np.float32)])
    return classifier_of(model)


def filters_network(side=32):
    """Class 0 is the mean of the red channel, class 1 of the green one, by global pooling."""
    import keras
    from keras import layers

    inputs = keras.Input((side, side, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(2, 4, strides=4, name="features")(x)
    x = layers.ReLU()(x)
    outputs = layers.Dense(2, name="logits")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, outputs)
    kernel = np.zeros((4, 4, 3, 2), np.float32)
    kernel[:, :, 0, 0] = kernel[:, :, 1, 1] = 1 / 16
    model.get_layer("features").set_weights([kernel, np.zeros(2, np.float32)])
    model.get_layer("logits").set_weights([5 * np.eye(2, dtype=np.float32), np.zeros(2)])
    return classifier_of(model)


def linear_network(side=8, channels=3, seed=0):
    import keras
    from keras import layers

    inputs = keras.Input((side, side, channels))
    outputs = layers.Dense(3, name="logits")(layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    weights = np.random.default_rng(seed).normal(size=(side * side * channels, 3))
    model.get_layer("logits").set_weights([weights.astype(np.float32), np.zeros(3, np.float32)])
    return classifier_of(model, ("a", "b", "c")), weights.reshape(side, side, channels, 3)


@dataclass(eq=False)
class AdditiveClassifier(WholePictures):
    """The logits are a sum over pixels: a linear network, worked out by hand."""

    weights: np.ndarray
    class_names: tuple[str, ...] = ("a", "b")
    calls: int = 0
    largest_batch: int = 0
    scale: float = 1.0

    @property
    def input_shape(self):
        return self.weights.shape[:3]

    def logits(self, pixels, boxes=None):
        self.calls += len(pixels)
        self.largest_batch = max(self.largest_batch, len(pixels))
        flat = pixels.reshape(len(pixels), -1).astype(np.float64)
        return self.scale * (flat @ self.weights.reshape(flat.shape[1], -1))


def additive(side=16, channels=3, classes=2, seed=0):
    random = np.random.default_rng(seed)
    return AdditiveClassifier(random.normal(size=(side, side, channels, classes)) / 1000)
