"""Contract: every registered explainer explains every registered architecture, no layer named."""

from __future__ import annotations

import gc
import weakref
from functools import lru_cache

import keras
import numpy as np
import pytest

from zoo import Attribution, Examples, Images, InvalidSetting, Reference
from zoo.base import interruption
from zoo.base.registry import load_registry
from zoo.base.settings import explainer_options
from zoo.interpret.choice import serves
from zoo.network.classifier import TrainedClassifier

REGISTRY = load_registry()
SHAPE = (64, 64, 3)
FAST = {"samples": 2, "max_channels": 2, "evaluations": 40, "steps": 2, "k": 3}


@lru_cache(maxsize=2)
def classifier(name: str) -> TrainedClassifier:
    keras.utils.set_random_seed(0)
    model = REGISTRY.architecture(name).build(SHAPE, 3)
    return TrainedClassifier(model, ("a", "b", "c"), positive=2)


def serving(method: str) -> TrainedClassifier:
    """Give a network of its own that the method serves: a transformer where attention is needed."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input(SHAPE)
    if REGISTRY.explainer(method).attention:
        patches = keras.ops.image.extract_patches(pixels / 255, 8)
        x = keras.layers.Dense(8)(keras.ops.reshape(patches, (-1, 64, 192)))
        x = x + keras.layers.MultiHeadAttention(2, 4)(x, x)
        features = keras.ops.mean(x, axis=1)
    else:
        x = keras.layers.Conv2D(4, 5, strides=4, activation="relu")(pixels / 255)
        features = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(pixels, keras.layers.Dense(3)(features))
    return TrainedClassifier(model, ("a", "b", "c"), positive=2)


def images() -> Images:
    pixels = np.random.default_rng(0).integers(0, 256, (2, *SHAPE), np.uint8)
    return Images(pixels, ("x.png", "y.png"), (None, "p1"), ("0" * 16, "f" * 16))


def cases(subject: TrainedClassifier) -> Reference:
    pixels = np.random.default_rng(1).integers(0, 256, (9, *SHAPE), np.uint8)
    numbers = range(len(pixels))
    return Reference(
        embeddings=subject.embeddings(pixels),
        labels=np.array([i % 3 for i in numbers]),
        names=tuple(f"case-{i}" for i in numbers),
        patients=tuple(f"p{i}" for i in numbers),
        digests=tuple(f"{i:016x}" for i in numbers),
    )


def test_the_zoo_has_the_promised_methods():
    by_features = {"gradcam", "gradcam++", "scorecam", "hirescam", "layercam"}
    by_pixels = {"saliency", "smoothgrad", "integrated-gradients", "xrai"}
    by_masks = {"shap", "occlusion", "rise", "lime"}
    by_features.add("attention-rollout")
    assert by_features | by_pixels | by_masks | {"examples"} <= REGISTRY.explainers.keys()


@pytest.mark.parametrize("method", sorted(REGISTRY.explainers))
@pytest.mark.parametrize(  # each is built once
    "architecture", sorted(name for name in REGISTRY.architectures if ":" not in name)
)
def test_it_explains_each_architecture(architecture, method):
    subject, explainer = classifier(architecture), REGISTRY.explainer(method)
    options = explainer_options(explainer.options, FAST)
    if not serves(explainer, subject) and explainer.attention:
        with pytest.raises(InvalidSetting, match="asked of a network without attention"):
            explainer.explain(subject, images(), [0, 2], cases(subject), **options)
        return
    given = explainer.explain(subject, images(), [0, 2], cases(subject), **options)
    assert [explanation.method for explanation in given] == [method] * 2
    assert [explanation.target for explanation in given] == [0, 2]
    for explanation in given:
        if isinstance(explanation, Attribution):
            assert explanation.values.shape == SHAPE[:2]
            assert explanation.values.dtype == np.float32
            assert np.isfinite(explanation.values).all()
            assert explanation.signed or explanation.values.min() >= 0
        else:
            assert isinstance(explanation, Examples)
            assert 0 <= explanation.agreement <= 1
            cases_of = {group.name: group.cases for group in explanation.groups}
            assert all(n.index < 9 for shown in cases_of.values() for n in shown)
            nearest = [n.distance for n in cases_of["similar"]]
            assert nearest == sorted(nearest)


@pytest.mark.parametrize("method", sorted(REGISTRY.explainers))
def test_it_ends_when_nobody_waits_for_it(method):
    class Enough(Exception):
        pass

    def enough():
        raise Enough

    subject, explainer = serving(method), REGISTRY.explainer(method)
    known, options = cases(subject), explainer_options(explainer.options, FAST)
    with pytest.raises(Enough), interruption.asking(enough):
        explainer.explain(subject, images(), [0, 2], known, **options)


@pytest.mark.parametrize("method", sorted(REGISTRY.explainers))
def test_it_is_documented(method):
    explainer = REGISTRY.explainer(method)
    assert explainer.summary
    assert explainer.reference
    assert all(option.help for option in explainer.options.values())


@pytest.mark.parametrize("method", sorted(REGISTRY.explainers))
def test_what_it_keeps_dies_with_the_network_and_the_cases(method):
    subject, explainer = serving(method), REGISTRY.explainer(method)
    known, options = cases(subject), explainer_options(explainer.options, FAST)
    options |= {"evaluations": 0, "budget": 0.1} if "budget" in options else {}
    for _ in range(2):
        explainer.explain(subject, images(), [0, 2], known, **options)
    alive = [weakref.ref(one) for one in (subject, subject.model, known)]
    del subject, known
    gc.collect()
    assert [one() is None for one in alive] == [True] * 3
