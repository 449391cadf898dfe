"""A training of a second, to be computed in one way or another."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from zoo.base.progress import Silent
from zoo.base.recipe import Recipe
from zoo.training.checkpoint import TrainingState
from zoo.training.trainer import Phase, fit

IMAGES = 21
"""Of which a last batch of 8 gets 5: its parts are of different sizes."""


class Squares:
    """Noise with a bright or a dark middle, and a small network whose normalisation may learn."""

    steps = 3

    def __init__(self, normalising=False, dropout=0.0):
        keras.utils.set_random_seed(0)
        pixels = keras.Input((8, 8, 3))
        x = layers.Rescaling(1 / 255)(pixels)
        x = layers.Conv2D(4, 3, strides=2, use_bias=False)(x)
        x = layers.BatchNormalization(trainable=normalising)(x)
        x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
        x = layers.Dropout(dropout)(x)
        logits = layers.Dense(2, dtype="float32", name="logits")(x)
        self.model = keras.Model(pixels, logits)
        random = np.random.default_rng(0)
        self.labels = np.arange(IMAGES) % 2
        self.pixels = random.integers(0, 200, (IMAGES, 8, 8, 3)).astype(np.float32)
        self.pixels[:, 2:6, 2:6] += 50 * self.labels[:, None, None, None]
        self.weights = random.uniform(0.5, 2, IMAGES).astype(np.float32)

    def training(self, epoch):
        import tensorflow as tf

        rows = (self.pixels, np.eye(2, dtype=np.float32)[self.labels], self.weights)
        return tf.data.Dataset.from_tensor_slices(rows).batch(8)

    def validation(self):
        return np.asarray(self.model(self.pixels)), self.labels


def learned(tmp_path, execution, epochs=2, state=None, **network):
    material = Squares(**network)
    recipe = Recipe(batch_size=8, epochs=epochs, averaging=0.5, learning_rate=0.01, patience=99)
    state = state or TrainingState()
    phase = Phase("network", epochs, recipe.learning_rate)
    path, heard = tmp_path / "checkpoint.npz", Heard()
    used = fit(
        material, phase, recipe, 1, state, path, heard, lambda *_: None, lambda _: None, execution
    )
    return material.model, state.history, used, heard


class Heard(Silent):
    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


def alike(history, other, **named):
    for row, wanted in zip(history, other, strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_roc_auc"):
            np.testing.assert_allclose(row[name], wanted[name], **named)
