"""Networks that are built by hand, so that it is known where the right map of them lies.

They answer by the mean gray level of a square near a corner of the picture, and by nothing else:
whether somebody put a mark there. Findings in the lungs do not move them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

import zoo
from zoo import Dataset, Explainer, Images, Sample, digest_bytes, hookimpl
from zoo.base.settings import explainer_options

CORNER, CLASSES = "corner", ("PLAIN", "MARKED")
SIDE, CELL = 96, 4
CELLS = SIDE // CELL
REGION = slice(1, 7)
"""Rows and columns of cells whose mean is the answer."""
MARK = slice(8, 24)
"""Rows and columns of pixels that are white in a marked picture."""
LIMIT, STEEPNESS = 0.35, 14.0
"""Mean gray level, 0 to 1, from which a picture is called marked, and the logit's slope there."""
ATTENDED = 60.0
"""How much more a token of the region is attended to than another, in exponents."""
Shape = tuple[int, int] | None


class Corner:
    """Reads `corner`: drawings of the phantom, half of which have a white mark."""

    __name__ = "corner"

    @hookimpl
    def zoo_read_dataset(self, location: str, options: dict[str, str]) -> Dataset | None:
        """Draw them; the option `seed` gives others."""
        if location != CORNER:
            return None
        seed = options.get("seed", "3")
        drawn = zoo.load_registry().dataset(f"phantom?images=400&seed={seed}&size={SIDE}")

        def read(sample: Sample, size: Shape) -> np.ndarray:
            pixels = drawn.read(sample, None)
            if sample.label:
                pixels[MARK, MARK] = 255
            return zoo.resize(pixels, size)

        def mask(sample: Sample, size: Shape) -> np.ndarray:
            place = np.zeros((SIDE, SIDE, 3), np.uint8)
            if sample.label:
                rows = slice(REGION.start * CELL, REGION.stop * CELL)
                place[rows, rows] = 255
            return zoo.resize(place, size)[..., 0] >= 128

        samples = [
            replace(one, label=int(int(one.patient[-6:]) % 4 in (1, 2))) for one in drawn.samples
        ]
        return replace(
            drawn,
            source=CORNER,
            class_names=CLASSES,
            samples=tuple(samples),
            read=read,
            mask=mask,
            digest=lambda one: digest_bytes(f"{CORNER} {one.label} {drawn.digest(one)}".encode()),
            attributes={},
        )


def convolutional() -> Any:
    """Build the mean of the region from a feature map of cells that a dense layer weighs."""
    import keras
    from keras import layers

    pixels = keras.Input((SIDE, SIDE, 3))
    features = layers.Conv2D(1, CELL, strides=CELL, activation="relu")
    logits = layers.Dense(2)
    model = keras.Model(
        pixels, logits(layers.Flatten()(features(layers.Rescaling(1 / 255)(pixels))))
    )
    features.set_weights([np.full((CELL, CELL, 3, 1), 1 / (3 * CELL**2)), np.zeros(1)])
    weights = _inside() / _inside().sum()
    logits.set_weights(_answer(weights.reshape(-1, 1)))
    return model


def transformer() -> Any:
    """Build the same of tokens: a class token attends to those of the region alone."""
    import keras
    from keras import layers, ops

    pixels = keras.Input((SIDE, SIDE, 3))
    patches = ops.image.extract_patches(pixels / 255, CELL)
    patches = ops.reshape(patches, (-1, CELLS**2, 3 * CELL**2))
    places = layers.EinsumDense("abc,cd->abd", (CELLS**2, 2), bias_axes="bd")
    x = places(patches)
    x = ops.concatenate([ops.zeros_like(x[:, :1]), x], axis=1)
    attention = layers.MultiHeadAttention(1, 1)
    x = x + attention(x, x)
    logits = layers.Dense(2)
    model = keras.Model(pixels, logits(x[:, 0]))
    gray = np.zeros((3 * CELL**2, 2))
    gray[:, 0] = 1 / len(gray)  # of each token: its gray level, and whether it is in the region
    places.set_weights([gray, np.stack([np.zeros(CELLS**2), _inside().ravel()], axis=1)])
    one, none = np.ones((1, 1)), np.zeros((1, 1))
    level, inside = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    attention.set_weights(
        [
            np.zeros((2, 1, 1)),
            one,  # every token asks for the same
            ATTENDED * inside.reshape(2, 1, 1),
            none,
            level.reshape(2, 1, 1),
            none,
            level.reshape(1, 1, 2),
            np.zeros(2),
        ]
    )
    logits.set_weights(_answer(level.reshape(2, 1)))
    return model


def _inside() -> np.ndarray:
    place = np.zeros((CELLS, CELLS))
    place[REGION, REGION] = 1
    return place


def _answer(weights: np.ndarray) -> list[np.ndarray]:
    """Return a dense layer's weights, whose logits differ by the slope times the mean."""
    half = STEEPNESS / 2
    bias = half * LIMIT
    return [np.concatenate([-half * weights, half * weights], axis=1), np.array([bias, -bias])]


def passes(explainer: Explainer) -> tuple[int, int]:
    """Count the images that a method sends through a network, and back, to map one image."""
    from zoo.network.classifier import TrainedClassifier

    counts: Counter[str] = Counter()
    model = _counted(counts, attends=explainer.attention)
    classifier = TrainedClassifier(model, CLASSES, positive=1)
    pixels = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    images = Images(pixels, ("noise",), (None,), ("0" * 16,))
    options = explainer_options(explainer.options, {})
    counts.clear()
    explainer.explain(classifier, images, [1], None, **options)
    return counts["there"], counts["back"]


def _counted(counts: Counter[str], *, attends: bool) -> Any:
    """Build a small network that counts what passes its first and its last layer."""
    import keras
    import tensorflow as tf
    from keras import layers, ops

    def count(name: str, values: Any) -> Any:
        def seen(batch: np.ndarray) -> np.ndarray:
            counts[name] += len(batch)
            return batch

        passed = tf.numpy_function(seen, [values], values.dtype)
        passed.set_shape(values.shape)
        return passed

    class Counted(layers.Layer):
        def call(self, x: Any) -> Any:
            @tf.custom_gradient
            def both(values: Any) -> Any:
                there = count("there", values) if self.name == "first" else tf.identity(values)
                return there, lambda up: count("back", up) if self.name == "last" else up

            return both(x)

    pixels = keras.Input((SIDE, SIDE, 3))
    x = Counted(name="first")(pixels)
    x = layers.Conv2D(32, 8, strides=8, activation="relu")(x / 255)
    if attends:
        x = layers.Reshape((-1, 32))(x)
        x = x + layers.MultiHeadAttention(2, 4)(x, x)
        x = ops.mean(x, axis=1)
    else:
        x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(pixels, layers.Dense(2)(Counted(name="last")(x)))
