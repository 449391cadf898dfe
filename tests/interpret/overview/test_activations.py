"""Feature maps of networks of every kind: framed, joined, of tokens."""

from __future__ import annotations

import numpy as np
import pytest
from known_networks import classifier_of, filters_network

from zoo.interpret.overview.activations import Pictures, activations, affordable, features_of, score
from zoo.interpret.overview.concepts import UNSEEN, ConceptTest
from zoo.interpret.overview.factors import find_factors
from zoo.interpret.overview.ready_concepts import READY
from zoo.network import frame, localiser
from zoo.network.classifier import TrainedClassifier
from zoo.network.ensemble import Member, joined

SIDE, COUNT = 32, 20


def pictures(side: int = SIDE) -> Pictures:
    random = np.random.default_rng(0)
    strength = random.uniform(5, 40, (COUNT, 1, 1, 1))
    noise = 100 + strength * random.normal(size=(COUNT, side, side, 3))
    lungs = np.zeros((side, side), bool)
    lungs[side // 4 : -side // 4, side // 4 : -side // 4] = True
    labels = np.arange(COUNT) % 2
    people = np.array([f"p{row}" for row in range(COUNT)])
    names = tuple(f"{row:016x}" for row in range(COUNT))
    pixels = np.clip(noise, 0, 255).astype(np.uint8)
    return Pictures(pixels, (lungs,) * COUNT, labels, labels == 1, people, names)


def members() -> TrainedClassifier:
    networks = [filters_network(SIDE), filters_network(SIDE // 2)]
    return classifier_of(joined([Member(one.model, 1.0) for one in networks], None))


def tokens() -> TrainedClassifier:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    pixels = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(8, 8, strides=8)(layers.Rescaling(1 / 255)(pixels))
    x = layers.Reshape((16, 8))(x)
    x = layers.LayerNormalization()(x + layers.Dense(8)(x))
    return classifier_of(keras.Model(pixels, layers.Dense(2)(layers.GlobalAveragePooling1D()(x))))


@pytest.mark.parametrize("built", [members, tokens])
def test_joined_networks_and_tokens_have_concepts_and_factors_too(built) -> None:
    classifier, shown = built(), pictures()
    assert affordable(classifier, shown.pixels) > COUNT
    known = activations(classifier, shown.pixels, 1)
    assert known.features.shape == known.slopes.shape
    assert known.logits == pytest.approx(classifier.logits(shown.pixels), abs=1e-4)
    found = ConceptTest(classifier, shown, known, 1).ready(READY["exposure"])
    assert found is not None
    assert np.isfinite([found.tcav, found.p, found.pull["value"]]).all()
    factors = find_factors(classifier, shown, known, 1)
    assert not factors.measured
    assert all(np.isfinite(one.carried["value"]) for one in factors.each)


def test_what_lies_outside_the_frame_is_not_seen(monkeypatch) -> None:
    """The box is held where it is in the picture as it came, whatever is pasted on it."""
    framed = TrainedClassifier(
        frame.framed(filters_network(SIDE).model, localiser.lungs()), ("a", "b"), 1
    )
    shown = pictures(framed.input_shape[0])
    inside = np.tile(np.array([0.25, 0.25, 0.75, 0.75], np.float32), (COUNT, 1))
    monkeypatch.setattr(framed, "boxes", lambda pixels: inside[: len(pixels)])
    known = activations(framed, shown.pixels, 1)
    assert known.features.shape[1:3] == (SIDE // 4, SIDE // 4)
    test = ConceptTest(framed, shown, known, 1)
    for name in ("marker", "border", "collimation"):
        found = test.ready(READY[name])
        assert found is not None
        assert (found.verdict, found.seen["value"], found.tcav) == (UNSEEN, 0.5, 0.5), name
    assert test.ready(READY["exposure"]).seen["value"] == 1
    factors = find_factors(framed, shown, known, 1)
    assert factors.measured
    assert factors.each[0].lungs > 0.9, "of the frame, which is about the lungs here"


def test_the_score_is_against_the_strongest_rival_and_so_are_its_slopes() -> None:
    logits = np.array([[1, 4, 2], [5, 4, 2.0]])
    assert score(logits, 1).tolist() == [2, -1]
    classifier, shown = filters_network(SIDE), pictures()
    known = activations(classifier, shown.pixels, 1)
    step = 1e-2 * np.random.default_rng(0).random(known.features.shape)
    head = classifier.model.get_layer("logits").get_weights()[0]
    moved = (known.features + step).mean(axis=(1, 2)) @ head
    rise = score(moved, 1) - score(known.features.mean(axis=(1, 2)) @ head, 1)
    assert (known.slopes * step).sum(axis=(1, 2, 3)) == pytest.approx(rise, abs=1e-5)


def test_the_features_of_a_batch_do_not_depend_on_its_length() -> None:
    classifier, shown = filters_network(SIDE), pictures()
    known = activations(classifier, shown.pixels, 1)
    features, logits = features_of(classifier, shown.pixels[3:5], known.boxes[3:5])
    assert features == pytest.approx(known.features[3:5], abs=1e-6)
    assert logits == pytest.approx(known.logits[3:5], abs=1e-6)
