"""The last feature map is found by what a network does: the same for each way of writing it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from explain import gradcam, gradcam_plus_plus, scorecam
from zoo import Images
from zoo.interpret.trust.copies import WHOLE, Copies, Stage
from zoo.network import feature_map, frame, graph, localiser
from zoo.network.classifier import TrainedClassifier
from zoo.network.copying import as_float32, export_copy
from zoo.network.ensemble import Member, joined

SHAPE = (32, 32, 3)
WRITTEN = ("layers", "operators", "keras.ops")


def times(one, other, written):
    if written == "layers":
        return layers.Multiply()([one, other])
    return one * other if written == "operators" else ops.multiply(one, other)


def plus(one, other, written):
    if written == "layers":
        return layers.Add()([one, other])
    return one + other if written == "operators" else ops.add(one, other)


def scaled(pixels, written):
    if written == "layers":
        return layers.Rescaling(1 / 255)(pixels)
    return pixels / 255 if written == "operators" else ops.divide(pixels, 255.0)


def pooled(features, written):
    if written == "layers":
        return layers.GlobalAveragePooling2D()(features)
    return ops.mean(features, axis=(1, 2))


def written_net(body, written):
    keras.utils.set_random_seed(0)
    pixels = keras.Input(SHAPE)
    x = scaled(pixels, written)
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    return keras.Model(pixels, layers.Dense(2)(pooled(body(x, written), written)))


def gate(x, written):
    return times(x, layers.Conv2D(1, 7, padding="same", activation="sigmoid")(x), written)


def residual(x, written):
    return plus(x, layers.Conv2D(8, 3, padding="same")(x), written)


def squeezed(x, written):
    means = layers.GlobalAveragePooling2D(keepdims=True)(x)
    return times(x, layers.Conv2D(8, 1, activation="sigmoid")(means), written)


BODIES = (gate, residual, squeezed)


def pictures(count=2):
    pixels = np.random.default_rng(0).integers(0, 60, (count, *SHAPE), dtype=np.uint8)
    pixels[:, 4:12, 18:26] = 240
    blank = (None,) * count
    return Images(pixels, tuple("ab"[:count]), blank, ("0" * 16,) * count)


@pytest.mark.parametrize("body", BODIES)
def test_the_maps_and_embeddings_of_a_network_do_not_depend_on_how_it_is_written(body):
    images, known = pictures(), None
    for written in WRITTEN:
        classifier = TrainedClassifier(written_net(body, written), ("A", "B"), 1)
        assert classifier.feature_layer.output.shape == (None, 16, 16, 8)
        maps = [
            method.explain(classifier, images, [0, 1])[i].values
            for method in (gradcam, gradcam_plus_plus, scorecam)
            for i in (0, 1)
        ]
        told = [classifier.logits(images.pixels), classifier.embeddings(images.pixels), *maps]
        known = known or told
        assert max(float(one.max()) for one in maps[:4]) > 0
        for one, other in zip(told, known, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("body", [gate, residual])
def test_copies_frames_ensembles_and_exports_take_operators(body):
    model = written_net(body, "operators")
    pixels = pictures().pixels.astype(np.float32)
    answers = np.asarray(model(pixels))
    np.testing.assert_allclose(export_copy(model)(pixels), answers, rtol=1e-5, atol=1e-6)
    classifier = TrainedClassifier(model, ("A", "B"), 1)
    shuffled = Copies(classifier, pixels).at(Stage(WHOLE, 3))
    assert np.abs(shuffled.logits(pixels) - answers).max() > 1e-3
    assert graph.linear_head(model) is model.layers[-1]
    both = joined([Member(model, 1.0), Member(written_net(body, "layers"), 1.0)], None)
    np.testing.assert_allclose(both(pixels), answers, rtol=1e-4, atol=1e-5)
    framed = frame.framed(model, localiser.lungs())
    assert feature_map.only_map(framed).size == (16, 16)
    assert TrainedClassifier(framed, ("A", "B"), 1).featured_model.input_shape == (None, *SHAPE)


def test_a_network_with_operators_in_16_bits_is_copied_in_32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = written_net(gate, "operators")
    finally:
        keras.config.set_dtype_policy("float32")
    copy = as_float32(model)
    assert copy is not model
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    pixels = pictures().pixels.astype(np.float32)
    np.testing.assert_allclose(copy(pixels), np.float32(model(pixels)), atol=0.02)


def test_what_a_layer_was_adapted_to_is_copied_too():
    scale = layers.Normalization()
    scale.adapt(np.float32([[0.0], [4.0]]))
    pixels = keras.Input((2, 2, 1))
    model = keras.Model(pixels, layers.Dense(2)(layers.Flatten()(scale(pixels))))
    given = np.full((1, 2, 2, 1), 3, np.float32)
    np.testing.assert_allclose(export_copy(model)(given), model(given), rtol=1e-5)


def vit(side=32, channels=1, class_token=False, rows_as_tokens=False):
    """A small transformer; or a network that takes the rows of a picture for steps of a sequence.

    Patches are cut without a convolution.
    """
    keras.utils.set_random_seed(0)
    pixels = keras.Input((side, side, channels))
    if rows_as_tokens:
        x = layers.Dense(8)(ops.reshape(pixels / 255, (-1, side, side * channels)))
    else:
        patches = ops.image.extract_patches(pixels / 255, 4)
        x = layers.Dense(8)(ops.reshape(patches, (-1, (side // 4) ** 2, 16 * channels)))
    if class_token:
        x = ops.concatenate([ops.mean(x, axis=1, keepdims=True), x], axis=1)
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, 4)(y, y)
        x = x + layers.Dense(8, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.LayerNormalization()(x)
    x = x[:, 0] if class_token else ops.mean(x, axis=1)
    return keras.Model(pixels, layers.Dense(2)(x))


@pytest.mark.parametrize("class_token", [False, True])
def test_the_map_of_a_transformer_is_made_of_its_tokens(class_token):
    model = vit(class_token=class_token)
    found = feature_map.only_map(model)
    assert (found.size, found.before) == ((8, 8), int(class_token))
    assert feature_map.feature_layer(model) is None
    classifier = TrainedClassifier(model, ("A", "B"), 1)
    pixels = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 1), dtype=np.uint8)
    passed = classifier.gradients(pixels, [0, 1])
    assert passed.features.shape == passed.by_features.shape == (2, 8, 8, 8)
    assert np.abs(passed.by_features).max() > 0  # tokens that the logits do not depend on have none


def test_a_token_is_drawn_where_its_part_of_the_picture_is():
    pixels = keras.Input((32, 32, 1))
    patches = ops.reshape(ops.image.extract_patches(pixels / 255, 4), (-1, 64, 16))
    x = ops.mean(layers.Dense(4, activation="relu", use_bias=False, name="tokens")(patches), axis=1)
    model = keras.Model(pixels, layers.Dense(2, use_bias=False)(x))
    model.get_layer("tokens").kernel.assign(np.ones((16, 4)))
    model.layers[-1].kernel.assign(np.ones((4, 2)))
    given = np.zeros((1, 32, 32, 1), np.uint8)
    given[0, 8:12, 20:24] = 255
    classifier = TrainedClassifier(model, ("A", "B"), 1)
    images = Images(given, ("a",), (None,), ("0" * 16,))
    drawn = gradcam.explain(classifier, images, [0])[0].values
    assert np.unravel_index(drawn.argmax(), drawn.shape)[0] in range(8, 12)
    assert np.unravel_index(drawn.argmax(), drawn.shape)[1] in range(20, 24)


def test_rows_of_a_picture_are_no_parts_of_it():
    assert feature_map.feature_maps(vit(side=16, rows_as_tokens=True)) == []


def test_two_towers_have_no_feature_map_that_all_depends_on():
    pixels = keras.Input(SHAPE)
    towers = [layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(pixels)) for _ in range(2)]
    model = keras.Model(pixels, layers.Dense(2)(ops.concatenate(towers, axis=1)))
    assert feature_map.feature_maps(model) == []


def test_a_map_that_logits_are_joined_of_is_there_once():
    pixels = keras.Input(SHAPE)
    features = layers.Conv2D(4, 3, name="shared")(pixels)
    logits = layers.Dense(2)(layers.GlobalAveragePooling2D()(features))
    model = keras.Model(pixels, logits * ops.sigmoid(logits))
    assert [one.tensor.name for one in feature_map.feature_maps(model)] == [features.name]
    heads = [layers.Dense(2)(layers.GlobalAveragePooling2D()(features)) for _ in range(2)]
    assert feature_map.only_map(keras.Model(pixels, layers.Average()(heads))) is not None


def test_of_features_at_two_sizes_the_map_is_the_last_that_all_depends_on():
    pixels = keras.Input(SHAPE)
    fine = layers.Conv2D(4, 3, padding="same", name="fine")(pixels)
    coarse = layers.Conv2D(4, 3, strides=2, padding="same")(fine)
    both = [layers.GlobalAveragePooling2D()(one) for one in (fine, coarse)]
    model = keras.Model(pixels, layers.Dense(2)(layers.Concatenate()(both)))
    assert feature_map.feature_layer(model).name == "fine"


@pytest.mark.parametrize("kind", ["tokens", "steps"])
def test_the_embedding_of_a_head_on_tokens_or_steps_is_their_mean(kind):
    pixels = keras.Input((16, 16, 1))
    x = ops.reshape(pixels / 255, (-1, 16, 16))
    head = layers.LSTM(2) if kind == "steps" else layers.Dense(2)
    x = head(x)
    model = keras.Model(pixels, x if kind == "steps" else ops.mean(x, axis=1))
    assert graph.embedding(model).shape == (None, 16)
    graph.check_flat(model, (16, 16, 1), 2, "mine")
