"""A folded network answers as the network does, with fewer layers."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from zoo.network.folding import folded

PIXELS = np.random.default_rng(0).uniform(0, 255, (3, 16, 16, 3)).astype(np.float32)


def with_statistics(model: keras.Model) -> keras.Model:
    """Give every layer of normalisation numbers that matter, and every weight another value."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 2, w.shape) for w in layer.get_weights()])
        elif layer.weights:
            layer.set_weights([random.normal(0, 0.3, w.shape) for w in layer.get_weights()])
    return model


def normalisations(model: keras.Model) -> int:
    return sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers)


def network(block, **normalisation) -> keras.Model:
    pixels = keras.Input((16, 16, 3))
    x = layers.BatchNormalization(**normalisation)(block(layers.Rescaling(1 / 255)(pixels)))
    return with_statistics(keras.Model(pixels, layers.Dense(2)(layers.Flatten()(layers.ReLU()(x)))))


@pytest.mark.parametrize(
    "block",
    [
        layers.Conv2D(5, 3, strides=2, padding="same", use_bias=False),
        layers.Conv2D(6, 3, groups=3, dilation_rate=2),
        layers.DepthwiseConv2D(3, padding="same", use_bias=False),
        layers.DepthwiseConv2D(3, depth_multiplier=2),
    ],
    ids=["conv", "grouped", "depthwise", "multiplied"],
)
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("center", [True, False])
def test_it_answers_alike_without_normalisation(block, scale, center):
    model = network(type(block).from_config(block.get_config()), scale=scale, center=center)
    quick = folded(model)
    assert (normalisations(model), normalisations(quick)) == (1, 0)
    np.testing.assert_allclose(quick(PIXELS), model(PIXELS, training=False), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "block",
    [
        layers.Conv2D(4, 3, activation="relu"),
        layers.Conv2DTranspose(4, 3),
        layers.SeparableConv2D(4, 3),
        layers.MaxPooling2D(),
        type("OwnConv2D", (layers.Conv2D,), {})(4, 3),
    ],
    ids=lambda block: type(block).__name__,
)
def test_what_cannot_be_folded_is_left_as_it_is(block):
    model = network(block)
    assert folded(model) is model


def test_what_is_used_elsewhere_is_not_changed():
    """One convolution is seen by the sum, too; another one is called twice."""
    pixels = keras.Input((16, 16, 3))
    seen = layers.Conv2D(4, 3)(pixels)
    x = layers.Add()([layers.BatchNormalization()(seen), seen])
    shared, after = layers.Conv2D(4, 1), layers.BatchNormalization()
    x = layers.Add()([after(shared(x)), shared(x)])
    model = with_statistics(keras.Model(pixels, layers.GlobalAveragePooling2D()(x)))
    assert folded(model) is model


def test_what_is_an_output_itself_is_not_changed():
    pixels = keras.Input((16, 16, 3))
    seen = layers.Conv2D(4, 3)(pixels)
    model = keras.Model(pixels, {"seen": seen, "after": layers.BatchNormalization()(seen)})
    assert folded(model) is model


def test_several_outputs_by_name_are_folded_together():
    pixels = keras.Input((16, 16, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, use_bias=False)(pixels))
    y = layers.BatchNormalization()(layers.Conv2D(2, 3, use_bias=False)(x))
    given = {"map": x, "answer": layers.GlobalAveragePooling2D()(y)}
    model = with_statistics(keras.Model(pixels, given))
    quick = folded(model)
    assert normalisations(quick) == 0
    wanted = model(PIXELS, training=False)
    for name, tensor in quick(PIXELS).items():
        np.testing.assert_allclose(tensor, wanted[name], rtol=1e-4, atol=1e-3)


def test_the_model_keeps_its_weights_and_its_layers():
    model = network(layers.Conv2D(4, 3))
    before = [np.array(weight) for weight in model.get_weights()]
    folded(model)
    for weight, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, now)
    assert normalisations(model) == 1
