from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from zoo import graph
from zoo.errors import InvalidSetting

SHAPE = (16, 16, 3)


def flat(frozen: bool = False, dropout: bool = True, last_activation: str | None = None):
    pixels = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, trainable=not frozen)(pixels)
    x = layers.BatchNormalization(trainable=not frozen)(x)
    x = layers.GlobalAveragePooling2D(name="pooled")(x)
    if dropout:
        x = layers.Dropout(0.5)(x)
    return keras.Model(pixels, layers.Dense(2, activation=last_activation)(x))


def test_a_flat_model_is_taken():
    graph.check_flat(flat(), SHAPE, 2, "mine")


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (
            lambda: keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(2)]),
            "Sequential",
        ),
        (lambda: keras.Model((i := keras.Input(SHAPE)), flat()(i)), "nested"),
        (lambda: flat(last_activation="softmax"), "probabilities"),
        (
            lambda: keras.Model(
                (i := keras.Input(SHAPE)),
                layers.Dense(2)(layers.Flatten()(layers.Lambda(lambda x: x)(i))),
            ),
            "Lambda",
        ),
    ],
)
def test_what_cannot_be_explained_is_refused_with_the_remedy(build, told):
    with pytest.raises(InvalidSetting, match=told):
        graph.check_flat(build(), SHAPE, 2, "mine")


def test_wrong_shapes_are_refused():
    with pytest.raises(InvalidSetting, match="input of shape"):
        graph.check_flat(flat(), (32, 32, 3), 2, "mine")
    with pytest.raises(InvalidSetting, match="output of shape"):
        graph.check_flat(flat(), SHAPE, 3, "mine")


@pytest.mark.parametrize("dropout", [True, False])
def test_the_boundary_of_a_frozen_backbone_is_before_dropout_and_head(dropout):
    model = flat(frozen=True, dropout=dropout)
    boundary = graph.frozen_boundary(model)
    assert boundary is model.get_layer("pooled").output
    assert graph.embedding(model) is boundary


def test_a_network_trained_whole_has_no_boundary():
    assert graph.frozen_boundary(flat()) is None


def test_a_trainable_layer_below_a_frozen_one_leaves_no_boundary():
    model = flat(frozen=True)
    model.layers[1].trainable = True
    assert graph.frozen_boundary(model) is None


def test_head_on_boundary_equals_the_whole_network():
    model = flat(frozen=True)
    boundary = graph.frozen_boundary(model)
    pixels = np.random.default_rng(0).uniform(0, 255, (3, *SHAPE)).astype("float32")
    features = keras.Model(model.input, boundary)(pixels)
    head = keras.Model(boundary, model.output)
    np.testing.assert_allclose(head(features), model(pixels), rtol=1e-5, atol=1e-5)


def test_the_embedding_of_a_feature_map_is_its_mean():
    pixels = keras.Input(SHAPE)
    features = layers.Conv2D(5, 3)(pixels)
    scores = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 1)(features))
    assert tuple(graph.embedding(keras.Model(pixels, scores)).shape) == (None, 5)
