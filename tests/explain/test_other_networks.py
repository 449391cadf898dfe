"""Contract: every registered method explains networks as others build them, or says why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from plugins.architectures.keras_applications.models import FAMILIES, MODELS
from zoo import Architecture, Attribution, Images, InvalidSetting, Reference
from zoo.base.registry import load_registry
from zoo.base.settings import explainer_options
from zoo.interpret.choice import serves
from zoo.interpret.methods import explained
from zoo.network import ensemble, frame, localiser
from zoo.network.building import build_network
from zoo.network.classifier import TrainedClassifier

REGISTRY = load_registry()
CLASSES = ("a", "b", "c")
FAST = {"samples": 2, "max_channels": 2, "evaluations": 40, "steps": 2, "regions": 12}
WIDE, HIGH = (48, 64, 1), (64, 48, 3)
SMALLEST = {
    min((n for n in MODELS if MODELS[n].family == family), key=lambda n: MODELS[n].parameters)
    for family in FAMILIES
}
"""One network of each paper: larger ones have the same layers."""


@keras.saving.register_keras_serializable("other_networks")
class Positions(layers.Layer):
    """A layer of a stranger's own."""

    def build(self, shape):
        self.table = self.add_weight(shape=shape[1:], initializer="random_normal", name="table")

    def call(self, x):
        return x + self.table


def sequential(shape, classes):
    """The way most tutorials build a network."""
    return keras.Sequential(
        [
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(classes),
        ]
    )


def nested(shape, classes):
    """The way transfer learning is taught, with residual blocks that are models themselves."""

    def block(size, filters):
        inside = keras.Input(size)
        around = layers.Conv2D(filters, 1, strides=2)(inside)
        x = layers.Conv2D(filters, 3, strides=2, padding="same")(inside)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        return keras.Model(inside, layers.ReLU()(layers.Add()([x, around])))

    inside = keras.Input(shape)
    x = keras.Sequential([layers.Conv2D(8, 3, strides=2, padding="same"), layers.ReLU()])(inside)
    for filters in (8, 16):
        x = block(tuple(x.shape[1:]), filters)(x)
    backbone = keras.Model(inside, x)
    backbone.trainable = False
    pixels = keras.Input(shape)
    x = layers.GlobalAveragePooling2D()(backbone(pixels / 255, training=False))
    return keras.Model(pixels, layers.Dense(classes)(layers.Dropout(0.2)(x)))


def transformer(shape, classes):
    """Tokens of parts of the picture and a class token, which is read."""
    rows, columns = shape[0] // 8, shape[1] // 8
    pixels = keras.Input(shape)
    x = layers.Conv2D(8, 8, strides=8)(pixels / 255)
    x = layers.Reshape((rows * columns, 8))(x)
    x = Positions()(ops.concatenate([ops.zeros_like(x[:, :1]), x], axis=1))
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, 4)(y, y)
        x = x + layers.Dense(8, activation="gelu")(layers.LayerNormalization()(x))
    return keras.Model(pixels, layers.Dense(classes)(x[:, 0]))


def framed(shape, classes):
    """A transformer that sees the lungs alone."""
    return frame.framed(transformer((64, 48, shape[2]), classes), localiser.lungs())


def several(shape, classes):
    """Two members whose logits are averaged, so that there are two feature maps."""
    members = [ensemble.Member(nested(shape, classes), 1.0) for _ in range(2)]
    return ensemble.joined(members, None)


NETWORKS: dict[str, tuple[Callable[..., Any], tuple[int, int, int]]] = {
    "nested": (nested, HIGH),
    "transformer": (transformer, WIDE),
    "sequential": (sequential, WIDE),
    "framed": (framed, frame.reading_shape((64, 48, 3))),
    "several": (several, HIGH),
}
DEAR = ("sequential", "framed", "several")


@lru_cache(maxsize=1)
def subject(name: str) -> TrainedClassifier:
    keras.utils.set_random_seed(0)
    build, shape = NETWORKS[name]
    return built(Architecture(name=name, summary="", build=build, parameters=1, input_shape=shape))


def built(architecture: Architecture, **options: Any) -> TrainedClassifier:
    network = build_network(architecture, len(CLASSES), **options)
    return TrainedClassifier(network, CLASSES, positive=2)


def pictures(shape, count, seed=0) -> Images:
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3)).astype("float32")
    smooth = np.asarray(ops.image.resize(coarse, shape[:2]))[..., : shape[2]]
    numbers = range(count)
    return Images(
        smooth.astype(np.uint8),
        tuple(f"{i}.png" for i in numbers),
        (None,) * count,
        tuple(f"{seed}{i:015x}" for i in numbers),
    )


def known_cases(classifier: TrainedClassifier) -> Reference:
    shown = pictures(classifier.input_shape, 9, seed=1)
    return Reference(
        embeddings=classifier.embeddings(shown.pixels),
        labels=np.arange(9) % 3,
        names=shown.names,
        patients=tuple(f"p{i}" for i in range(9)),
        digests=shown.digests,
    )


def asked(method: str, classifier: TrainedClassifier, images: Images, targets: list[int]) -> Any:
    """Ask a method as commands do: every promise that it makes is checked."""
    explainer, cases = REGISTRY.explainer(method), known_cases(classifier)
    options = explainer_options(explainer.options, FAST)
    return explained(explainer, classifier, images, targets, cases, options)


def check(method: str, classifier: TrainedClassifier) -> None:
    """Explain two images, and one of them alone; or be refused in a sentence."""
    images = pictures(classifier.input_shape, 2)
    if not serves(REGISTRY.explainer(method), classifier):
        with pytest.raises(InvalidSetting, match=rf"'{re.escape(method)}' was asked of a network"):
            asked(method, classifier, images, [0, 2])
        return
    together = asked(method, classifier, images, [0, 2])
    one = Images(images.pixels[1:].copy(), images.names[1:], (None,), images.digests[1:])
    (alone,) = asked(method, classifier, one, [2])
    if isinstance(alone, Attribution):
        largest = max(np.abs(one.values).max() for one in together)
        np.testing.assert_allclose(together[1].values, alone.values, atol=2e-3 * largest)
    else:
        for beside, by_itself in zip(together[1].groups, alone.groups, strict=True):
            near, same = ([case.distance for case in one.cases] for one in (beside, by_itself))
            assert same  # cases that are equally far may change places
            np.testing.assert_allclose(near, same, rtol=1e-2, atol=1e-4 * np.abs(same).max())


@pytest.mark.parametrize("method", sorted(REGISTRY.explainers))
@pytest.mark.parametrize(  # each is built once
    "network", [pytest.param(n, marks=[pytest.mark.slow] if n in DEAR else []) for n in NETWORKS]
)
def test_it_explains_what_a_stranger_builds(network, method):
    check(method, subject(network))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SMALLEST))
def test_each_method_explains_a_network_of_each_paper(name):
    side = max(64, FAMILIES[MODELS[name].family].smallest)
    architecture = REGISTRY.architecture(f"keras:{name}")
    classifier = built(architecture, input_shape=(side, side, 3), options={"weights": "none"})
    for method in REGISTRY.explainers:
        check(method, classifier)
