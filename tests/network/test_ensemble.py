"""Networks that are joined give the mean of what each says, and are one graph like any other."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from explain import gradcam, gradcam_plus_plus, saliency, scorecam
from plugins.readers.phantom.cohort import Cohort
from zoo import Images, InvalidSetting
from zoo.data.resampling import cut
from zoo.network import export_formats, feature_map, frame, graph, localiser
from zoo.network.branches import branches
from zoo.network.classifier import TrainedClassifier
from zoo.network.copying import export_copy
from zoo.network.ensemble import SHIFT, SHIFTED, Member, joined
from zoo.network.gradients import side_by_side
from zoo.workflows.export import with_probabilities

SHAPE, SMALLER = (84, 84, 3), (70, 56, 3)
TEMPERATURES = (0.5, 2.0)


def convolved(shape=SHAPE, filters=4, seed=0):
    keras.utils.set_random_seed(seed)
    pixels = keras.Input(shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu", name="conv")(x)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, layers.Dense(2, name="logits")(x), name="convolved")


def residual(shape=SHAPE, seed=1):
    """Its blocks are joined by an Add, which makes no members of them."""
    keras.utils.set_random_seed(seed)
    pixels = keras.Input(shape)
    x = layers.Conv2D(3, 3, strides=4, padding="same")(layers.Rescaling(1 / 255)(pixels))
    x = layers.Add()([x, layers.Conv2D(3, 3, padding="same", activation="relu")(x)])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(pixels, layers.Dense(2)(x), name="residual")


def flattened(shape=SHAPE, seed=2):
    """It has no convolution."""
    keras.utils.set_random_seed(seed)
    pixels = keras.Input(shape)
    x = layers.Flatten()(layers.AveragePooling2D(14)(layers.Rescaling(1 / 255)(pixels)))
    return keras.Model(pixels, layers.Dense(2)(x), name="flattened")


GROUPS = {
    "alike": lambda: (convolved(seed=3), convolved(seed=4)),
    "another architecture": lambda: (convolved(), residual()),
    "another size": lambda: (convolved(), residual(SMALLER)),
    "the smaller one first": lambda: (convolved(SMALLER), residual()),
}


def members(networks):
    return [Member(*both) for both in zip(networks, TEMPERATURES, strict=True)]


def mean(networks, seen):
    """Work out what a group should say: each member sees what is given, at its own size."""
    whole = np.tile(frame.WHOLE, (len(seen), 1))
    logits = [
        np.asarray(one(cut(seen, whole, one.input_shape[1:3]))) / temperature
        for one, temperature in zip(networks, TEMPERATURES, strict=True)
    ]
    return np.mean(logits, axis=0)


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (3, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def lungs():
    return localiser.lungs()


@pytest.fixture(scope="module")
def chests() -> np.ndarray:
    read = frame.reading_shape(SHAPE)[:2]
    cohort = Cohort(seed=4, size=read[0], prevalence=0.5, difficulty=0.3, extent=1.0)
    return np.stack([cohort.read(s, read) for s in cohort.samples(3)])


@pytest.mark.parametrize("group", GROUPS)
def test_it_says_the_mean_of_what_its_members_say(group, noise):
    networks = GROUPS[group]()
    model = joined(members(networks), None)
    graph.check_flat(model, SHAPE, 2, "ensemble")
    np.testing.assert_allclose(model(noise), mean(networks, noise), rtol=1e-4, atol=1e-4)
    assert model.count_params() == sum(one.count_params() for one in networks)


@pytest.mark.parametrize("group", ["alike", pytest.param("another size", marks=pytest.mark.slow)])
def test_framed_members_share_one_localiser_and_see_what_it_finds(group, chests, lungs):
    networks = GROUPS[group]()
    model = joined(members(networks), lungs)
    assert model.input_shape[1:] == frame.reading_shape(SHAPE)
    assert frame.is_framed(model)
    classifier = TrainedClassifier(model, ("a", "b"), 1)
    boxes = classifier.boxes(chests)
    assert frame.found(boxes).all()
    seen = np.asarray(cut(chests, boxes, SHAPE[:2]))
    wanted = mean(networks, seen)
    np.testing.assert_allclose(classifier.logits(chests), wanted, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(classifier.inside.logits(seen), wanted, rtol=1e-3, atol=1e-3)


def test_shifted_views_are_five_and_each_leaves_a_strip_out():
    edges = np.array(SHIFTED)
    assert SHIFTED[0] == (0, 0, 1, 1)
    np.testing.assert_allclose(edges[1:, 2:] - edges[1:, :2], 1 - SHIFT)
    assert len({(top, left) for top, left, *_ in SHIFTED[1:]}) == 4
    np.testing.assert_allclose(edges[1:].mean(axis=0), [SHIFT / 2, SHIFT / 2, *[1 - SHIFT / 2] * 2])


def test_with_shifts_it_says_the_mean_over_the_five_views(noise):
    network = convolved()
    model = joined([Member(network, 2.0)], None, SHIFTED)
    views = [cut(noise, np.tile(np.float32(v), (len(noise), 1)), SHAPE[:2]) for v in SHIFTED]
    wanted = np.mean([network(view) for view in views], axis=0) / 2
    np.testing.assert_allclose(model(noise), wanted, rtol=1e-4, atol=1e-4)
    assert np.abs(wanted - np.asarray(network(noise)) / 2).max() > 1e-4
    assert model.count_params() == network.count_params()  # its weights are there once


def test_its_members_are_found_and_an_add_within_a_network_is_none():
    pair = GROUPS["another architecture"]()
    assert len(branches(joined(members(pair), None).output)) == 2
    assert len(branches(joined(members(pair), None, SHIFTED).output)) == 10
    assert len(branches(residual().output)) == 1
    nested = joined(
        [Member(joined(members(pair), None), 1.0), Member(convolved(seed=9), 1.0)], None
    )
    assert len(branches(nested.output)) == 3


def test_joined_features_are_no_members():
    """Two paths that are added before the last weights are one network."""
    pixels = keras.Input(SHAPE)
    pooled = [layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(pixels)) for _ in range(2)]
    model = keras.Model(pixels, layers.Dense(2)(layers.Add()(pooled)))
    assert branches(model.output) == [model.output]
    assert graph.embedding(model).shape == (None, 2)


def test_its_embedding_and_feature_maps_are_those_of_the_members(noise):
    pair = GROUPS["another architecture"]()
    model = joined(members(pair), None)
    widths = [graph.embedding(one).shape[1] for one in pair]
    assert graph.embedding(model).shape == (None, sum(widths))
    embedded = np.asarray(keras.Model(model.input, graph.embedding(model))(noise))
    for one, part in zip(pair, np.split(embedded, widths[:1], axis=1), strict=True):
        own = keras.Model(one.input, graph.embedding(one))(noise)
        np.testing.assert_allclose(part, own, rtol=1e-4, atol=1e-4)
    maps = feature_map.feature_maps(model)
    assert [one.size for one in maps] == [(42, 42), (21, 21)]
    assert feature_map.feature_layer(model) is None
    assert len(feature_map.feature_maps(pair[1])) == 1


def test_a_join_of_what_has_no_weights_is_refused():
    pixels = keras.Input(SHAPE)
    pooled = [layers.GlobalAveragePooling2D()(pixels), layers.GlobalMaxPooling2D()(pixels)]
    model = keras.Model(pixels, layers.Average()(pooled))
    with pytest.raises(InvalidSetting, match="no layer with weights"):
        graph.check_flat(model, SHAPE, 3, "bare")


def parts(model):
    """Give the embedding of a network and its feature maps."""
    maps = [one.tensor for one in feature_map.feature_maps(model)]
    return keras.Model(model.input, [graph.embedding(model), *maps])


def test_each_view_of_a_network_has_an_embedding_and_a_map_of_its_own(noise):
    network = convolved()
    model = joined([Member(network, 1.0)], None, SHIFTED)
    given = parts(model)(noise)
    embedded, maps = np.asarray(given[0]), [np.asarray(one) for one in given[1:]]
    assert len(maps) == 5
    for place, view in enumerate(SHIFTED):
        seen = cut(noise, np.tile(np.float32(view), (len(noise), 1)), SHAPE[:2])
        embedding, features = parts(network)(seen)
        part = embedded[:, 4 * place : 4 * place + 4]
        np.testing.assert_allclose(part, embedding, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(maps[place], features, rtol=1e-4, atol=1e-4)


def test_maps_at_equal_grids_stand_side_by_side_as_they_are():
    random = np.random.default_rng(0)
    features, gradients = ([random.normal(size=(2, 4, 4, c)) for c in (3, 5)] for _ in range(2))
    tensors = side_by_side(list(map(tf.constant, features)), list(map(tf.constant, gradients)))
    np.testing.assert_allclose(tensors["features"], np.concatenate(features, -1), rtol=1e-5)
    np.testing.assert_allclose(tensors["by_features"], np.concatenate(gradients, -1), rtol=1e-5)


def test_a_coarser_map_is_enlarged_and_its_gradient_shared_out():
    """What a map times its gradient adds up to is the same, whatever the grid."""
    coarse, fine = np.full((1, 2, 2, 1), 3.0, np.float32), np.full((1, 4, 4, 1), 5.0, np.float32)
    both = side_by_side([tf.constant(coarse), tf.constant(fine)], [tf.constant(coarse)] * 2)
    assert both["features"].shape == (1, 4, 4, 2)
    np.testing.assert_allclose(both["features"][..., 0], 3)
    assert float(tf.reduce_sum(both["by_features"][..., 0])) == pytest.approx(coarse.sum())


def explained(method, model, pixels):
    classifier = TrainedClassifier(model, ("a", "b"), 1)
    names = tuple(map(str, range(len(pixels))))
    images = Images(pixels, names, (None,) * len(names), names)
    return np.stack([one.values for one in method.explain(classifier, images, [1] * len(names))])


def test_gradcam_of_it_is_the_sum_of_its_members_maps_at_equal_grids(noise):
    """Without the cut at zero that each map has: so every weight is made to speak for the class."""
    pair = GROUPS["alike"]()
    for one in pair:
        kernel, bias = one.get_layer("logits").get_weights()
        one.get_layer("logits").set_weights([np.abs(kernel), bias])
    pixels = noise.astype(np.uint8)
    maps = [explained(gradcam, one, pixels) for one in pair]
    wanted = sum(m / t for m, t in zip(maps, TEMPERATURES, strict=True)) / 2
    found = explained(gradcam, joined(members(pair), None), pixels)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)
    assert found.max() > 0


@pytest.mark.parametrize("method", [gradcam, gradcam_plus_plus, scorecam, saliency])
def test_maps_of_members_with_cells_of_another_size_are_one_map(noise, method):
    model, pixels = joined(members(GROUPS["another size"]()), None), noise.astype(np.uint8)
    found = explained(method, model, pixels)
    assert found.shape == pixels.shape[:3]
    assert found.std() > 0


@pytest.mark.slow
def test_it_is_opened_in_another_process(noise, tmp_path):
    model = joined(members(GROUPS["another size"]()), None, SHIFTED)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "pixels.npy", noise)
    script = """
import sys, keras, numpy as np
import zoo.network.boxes
model = keras.models.load_model(sys.argv[1] + "/model.keras", safe_mode=True)
np.save(sys.argv[1] + "/logits.npy", model(np.load(sys.argv[1] + "/pixels.npy")))
"""
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True)  # noqa: S603
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), model(noise), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", export_formats.FORMATS)
def test_an_exported_one_answers_alike(kind, noise, tmp_path):
    form = export_formats.FORMATS[kind]
    try:
        form.check_packages()
    except InvalidSetting as error:
        pytest.skip(str(error))
    model = joined(members(GROUPS["another size"]()), None, SHIFTED)
    form.write(with_probabilities(export_copy(model), 1.0), tmp_path / form.file)
    answers = form.open(tmp_path / form.file)
    np.testing.assert_allclose(answers(noise)["logits"], model(noise), rtol=1e-4, atol=1e-4)


def test_a_network_without_convolution_has_no_part_in_the_maps(noise):
    model = joined(members((convolved(), flattened())), None)
    alone = explained(gradcam, convolved(), noise.astype(np.uint8))
    found = explained(gradcam, model, noise.astype(np.uint8))
    np.testing.assert_allclose(found, alone / TEMPERATURES[0] / 2, rtol=1e-3, atol=1e-5)
