from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from zoo import InvalidSetting
from zoo.network import feature_map, graph

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


@keras.saving.register_keras_serializable("test_graph")
class OwnCall(keras.Model):
    """A model that only its own code can run."""

    def __init__(self, **named):
        super().__init__(**named)
        self.pool, self.dense = layers.GlobalAveragePooling2D(), layers.Dense(2)

    def call(self, pixels):
        return self.dense(self.pool(pixels))


def nested(frozen: bool = False, **called):
    """A backbone that is Sequential in part, called as a layer, and a head."""
    pixels = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, name="conv")(pixels)
    x = layers.BatchNormalization(name="norm")(x)
    x = keras.Sequential([layers.Conv2D(5, 3, name="conv"), layers.ReLU()], name="block")(x)
    backbone = keras.Model(pixels, x, name="backbone")
    backbone.trainable = not frozen
    pixels = keras.Input(SHAPE)
    x = backbone(layers.Rescaling(1 / 255)(pixels), **called)
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, layers.Dense(2)(x), name="mine")


def sequential():
    return keras.Sequential(
        [
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )


def noise(count=3):
    return np.random.default_rng(0).uniform(0, 255, (count, *SHAPE)).astype("float32")


@pytest.mark.parametrize("build", [nested, sequential])
def test_an_unnested_network_is_flat_and_says_the_same(build):
    model = build()
    flat_one = graph.unnested(model, SHAPE)
    graph.check_flat(flat_one, SHAPE, 2, "mine")
    np.testing.assert_allclose(flat_one(noise()), model(noise()), rtol=1e-5, atol=1e-6)
    assert flat_one.count_params() == model.count_params()


def test_an_unnested_network_is_saved_and_explained_layer_by_layer(tmp_path):
    model = graph.unnested(nested(), SHAPE)
    features = feature_map.feature_layer(model)
    assert type(features).__name__ == "ReLU"
    assert keras.Model(model.input, features.output)(noise()).shape == (3, 12, 12, 5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(loaded(noise()), model(noise()), rtol=1e-5, atol=1e-6)


def test_arithmetic_between_layers_is_part_of_the_graph():
    inner = keras.Input(SHAPE)
    block = keras.Model(inner, layers.Conv2D(3, 3)(inner / 255) + 1)
    pixels = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(block(pixels / 2))
    model = keras.Model(pixels, layers.Dense(2)(x) * 3)
    opened = graph.unnested(model, SHAPE)
    graph.check_flat(opened, SHAPE, 2, "mine")
    np.testing.assert_allclose(opened(noise()), model(noise()), rtol=1e-4, atol=1e-5)
    assert graph.embedding(opened).shape == (None, 3)
    assert graph.frozen_boundary(opened) is None
    assert graph.linear_head(opened) is None


def test_a_flat_network_is_left_alone():
    model = flat()
    assert graph.unnested(model, SHAPE) is model


def test_a_frozen_backbone_stays_frozen_and_is_found():
    model = graph.unnested(nested(frozen=True), SHAPE)
    trainable = {layer.name for layer in model.layers if layer.trainable and layer.weights}
    assert len(trainable) == 1  # the head
    assert graph.frozen_boundary(model).shape == (None, 5)


def test_batch_normalisation_of_a_backbone_called_for_inference_does_not_learn():
    for called, expected in (({"training": False}, 0), ({}, 2)):
        model = graph.unnested(nested(**called), SHAPE)
        norm = next(x for x in model.layers if isinstance(x, layers.BatchNormalization))
        assert len(norm.trainable_weights) == expected
        before = np.array(norm.moving_mean)
        model(noise(), training=True)
        assert np.allclose(norm.moving_mean, before) == (expected == 0)


def test_what_a_layer_was_adapted_to_is_kept():
    scale = layers.Normalization()
    scale.adapt(noise())
    model = keras.Sequential([keras.Input(SHAPE), scale, layers.Flatten(), layers.Dense(2)])
    opened = graph.unnested(model, SHAPE)
    np.testing.assert_allclose(opened(noise()), model(noise()), rtol=1e-4, atol=1e-5)


def test_a_block_that_is_used_twice_keeps_one_set_of_weights():
    pixels = keras.Input(SHAPE)
    block = keras.Sequential([layers.Conv2D(3, 3, padding="same", activation="relu")])
    x = layers.GlobalAveragePooling2D()(block(block(pixels)))
    model = keras.Model(pixels, layers.Dense(2)(x))
    opened = graph.unnested(model, SHAPE)
    assert opened.count_params() == model.count_params()
    np.testing.assert_allclose(opened(noise()), model(noise()), rtol=1e-4, atol=1e-4)


def test_a_layer_that_cannot_be_copied_is_named():
    class Scale(layers.Layer):
        def __init__(self, function, **named):
            super().__init__(**named)
            self.function = function

        def call(self, x):
            return self.function(x)

    model = keras.Sequential(
        [keras.Input(SHAPE), Scale(lambda x: x, name="mine"), layers.Flatten(), layers.Dense(2)]
    )
    with pytest.raises(InvalidSetting, match=r"layer 'mine'.*get_config"):
        graph.unnested(model, SHAPE)


def lambda_inside():
    inner = keras.Sequential([keras.Input(SHAPE), layers.Lambda(lambda x: x)])
    return keras.Sequential([keras.Input(SHAPE), inner, layers.Flatten(), layers.Dense(2)])


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (OwnCall, "builds a OwnCall.*keras.Input and calls"),
        (
            lambda: keras.Model((i := keras.Input(SHAPE)), OwnCall(name="inner")(i)),
            "model 'inner'.*nested.*Only Sequential and functional",
        ),
        (lambda: flat(last_activation="softmax"), "probabilities"),
        (lambda_inside, "Lambda"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_the_remedy(build, told):
    with pytest.raises(InvalidSetting, match=told):
        graph.check_flat(graph.unnested(build(), SHAPE), SHAPE, 2, "mine")


@pytest.mark.parametrize(("build", "told"), [(sequential, "Sequential"), (nested, "nested")])
def test_what_was_not_opened_is_not_flat(build, told):
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


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_backbone_may_end_where_layers_are_joined(frozen):
    pixels = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, padding="same", trainable=not frozen)(pixels)
    x = layers.Add()([x, layers.Conv2D(4, 3, padding="same", trainable=not frozen)(x)])
    x = layers.GlobalAveragePooling2D(name="pooled")(layers.ReLU()(x))
    model = keras.Model(pixels, layers.Dense(2)(layers.Dropout(0.5)(x)))
    boundary = graph.frozen_boundary(model)
    assert boundary is (model.get_layer("pooled").output if frozen else None)


def test_a_network_that_only_joins_what_has_no_weights_has_no_boundary():
    pixels = keras.Input(SHAPE)
    x = layers.Concatenate()([layers.MaxPooling2D()(pixels), layers.AveragePooling2D(2)(pixels)])
    model = keras.Model(pixels, layers.Dense(2)(layers.Flatten()(x)))
    assert graph.frozen_boundary(model) is None


def behind(front, frozen=True, inside=None):
    """Give a network whose backbone lies behind the layers `front`."""
    pixels = x = keras.Input(SHAPE)
    for layer in front:
        x = layer(x)
    x = layers.Conv2D(4, 3, trainable=not frozen, name="conv")(x)
    if inside is not None:
        x = layers.Conv2D(4, 3, trainable=not frozen)(inside(x))
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D(name="pooled")(x))
    return keras.Model(pixels, layers.Dense(2)(x))


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.RandomFlip(name="drawn"),
        lambda: layers.RandomRotation(0.1, name="drawn"),
        lambda: layers.GaussianNoise(1.0, name="drawn"),
    ],
)
def test_a_random_layer_in_front_of_a_frozen_backbone_is_named(layer):
    model = behind([layer()])
    boundary = graph.frozen_boundary(model)
    assert boundary is model.get_layer("pooled").output
    assert graph.random_before(boundary) == ["drawn"]
    inside = behind([], inside=layer())
    assert graph.random_before(graph.frozen_boundary(inside)) == ["drawn"]


def test_what_is_frozen_or_behind_the_backbone_is_not_random_before_it():
    for front in ([], [layers.Dropout(0.0)], [layers.RandomFlip(trainable=False)]):
        assert graph.random_before(graph.frozen_boundary(behind(front))) == []


def test_a_gate_in_the_head_leaves_the_boundary_at_the_backbone():
    pixels = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D(name="pooled")(layers.Conv2D(4, 3, trainable=False)(pixels))
    model = keras.Model(pixels, layers.Dense(2)(x * layers.Dense(4, activation="sigmoid")(x)))
    assert graph.frozen_boundary(model) is model.get_layer("pooled").output


def test_layers_that_choose_what_is_seen_are_not_the_networks_own():
    pixels = keras.Input(SHAPE)
    chosen = layers.Conv2D(3, 3, name=f"{graph.FRAME}conv")(pixels)
    model = keras.Model(pixels, layers.Dense(2, name="own")(layers.Flatten()(chosen)))
    assert [layer.name for layer in graph.own_layers(model)][-1] == "own"
    assert len(graph.own_layers(model)) == len(model.layers) - 1
    assert feature_map.feature_layer(model) is None


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


@pytest.mark.parametrize("branches", [0, 2])
def test_a_network_without_a_last_weighted_layer_is_refused(branches):
    pixels = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(pixels[..., :2])
    if branches:
        x = layers.Multiply()([x for _ in range(branches)])
    model = keras.Model(pixels, x)
    with pytest.raises(InvalidSetting, match="no layer with weights"):
        graph.embedding(model)
    with pytest.raises(InvalidSetting, match="no layer with weights"):
        graph.check_flat(model, SHAPE, 2, "mine")


def test_the_feature_layer_is_the_last_one_at_the_size_of_the_last_convolution():
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(4, 3, padding="same")(layers.Rescaling(1 / 255)(inputs))
    x = layers.MaxPooling2D()(x)
    branch = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Concatenate()([x, branch])
    x = layers.ReLU(name="wanted")(layers.BatchNormalization()(x))
    squeezed = layers.GlobalAveragePooling2D(keepdims=True)(x)
    squeezed = layers.Conv2D(8, 1, activation="sigmoid")(squeezed)
    x = layers.MaxPooling2D()(x)
    x = layers.Concatenate()([layers.Flatten()(x), layers.Flatten()(squeezed)])
    model = keras.Model(inputs, layers.Dense(2)(x))
    assert feature_map.feature_layer(model).name == "wanted"


def test_a_network_without_a_convolution_has_no_feature_layer():
    pixels = keras.Input(SHAPE)
    assert (
        feature_map.feature_layer(keras.Model(pixels, layers.Dense(2)(layers.Flatten()(pixels))))
        is None
    )


def test_the_linear_head_is_the_last_dense_layer_where_nothing_bends_behind_it():
    pixels = keras.Input(SHAPE)
    features = layers.Conv2D(5, 3)(pixels)
    pooled = layers.GlobalAveragePooling2D()(features)
    dense = layers.Dense(2)
    assert graph.linear_head(keras.Model(pixels, layers.Dropout(0.1)(dense(pooled)))) is dense
    for bent in (
        layers.Dense(2, activation="tanh")(pooled),
        layers.ReLU()(layers.Dense(2)(pooled)),
        layers.GlobalAveragePooling2D()(layers.Conv2D(2, 1)(features)),
    ):
        assert graph.linear_head(keras.Model(pixels, bent)) is None
