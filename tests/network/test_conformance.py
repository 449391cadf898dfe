"""What could not be used after training is found on the built network, with the remedy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo import InvalidSetting
from zoo.network import conformance
from zoo.network.plugin_layers import Origin

SHAPE = (16, 16, 3)
STEPS = ["pixels", "embedding", "saved", "deterministic", "batch", "feature map", "gradient"]


class Across(layers.Layer):
    """Takes out the mean over the batch, in use, too."""

    def call(self, x):
        return x - ops.mean(x, axis=0, keepdims=True)


class Noisy(layers.Layer):
    """Draws noise in use, too."""

    def __init__(self, **named):
        super().__init__(**named)
        self.generator = keras.random.SeedGenerator(1)

    def call(self, x):
        return x + keras.random.normal(ops.shape(x), seed=self.generator)


class Forgetful(layers.Layer):
    """Does not say what it was made from."""

    def __init__(self, function, **named):
        super().__init__(**named)
        self.function = function

    def call(self, x):
        return self.function(x)


class Drifting(layers.Layer):
    """Says something else of itself than it was made from."""

    def __init__(self, factor=1.0, **named):
        super().__init__(**named)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return super().get_config()


class Rooted(layers.Layer):
    """Has no gradient at zero, and no number below."""

    def call(self, x):
        return ops.sqrt(x)


def with_layer(*made):
    keras.utils.set_random_seed(0)
    pixels = keras.Input(SHAPE)
    x = layers.Rescaling(1 / 255)(pixels)
    for layer in made:
        x = layer(x)
    x = layers.Conv2D(4, 3, padding="same")(x)
    return keras.Model(pixels, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))


def misfits(model, origin=None):
    return {one.name: one for one in conformance.tried(model, origin) if not one.fits}


def test_a_network_that_fits_is_left_as_it_is():
    model = with_layer(layers.BatchNormalization(), layers.Dropout(0.5))
    weights = model.get_weights()
    verdicts = conformance.tried(model)
    assert [one.name for one in verdicts] == STEPS
    assert all(one.fits and not one.remedy for one in verdicts)
    assert next(one.told for one in verdicts if one.name == "feature map") == "16 x 16 places"
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    conformance.refuse_misfits(verdicts, "mine")


def test_a_network_in_16_bits_fits():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = with_layer(layers.BatchNormalization())
    finally:
        keras.config.set_dtype_policy("float32")
    assert not misfits(model)


@pytest.mark.parametrize(
    ("layer", "name", "told"),
    [
        (Across, "batch", "depends on the others of its batch"),
        (Noisy, "deterministic", "answers differently to the same image"),
        (lambda: Forgetful(lambda x: x), "saved", "cannot be saved and loaded"),
        (lambda: Drifting(3.0), "saved", "its answers are off by"),
        (lambda: layers.Rescaling(np.inf), "pixels", "no finite logits"),
        (Rooted, "gradient", "not finite"),
    ],
)
def test_what_does_not_fit_is_named_with_its_remedy(layer, name, told):
    model = with_layer(layer())
    found = misfits(model)
    assert told in found[name].told
    assert found[name].remedy
    with pytest.raises(InvalidSetting, match=r"'mine' could be trained, but not used afterwards"):
        conformance.refuse_misfits(conformance.tried(model), "mine")


@pytest.mark.parametrize("plugin", [None, "a_module"])
def test_layers_of_a_plugin_that_is_not_installed_are_refused_without_a_process(plugin):
    origin = None
    if plugin is not None:
        origin = Origin(
            architecture="mine",
            plugin=plugin,
            version="",
            options={},
            input_shape=SHAPE,
            classes=2,
        )
    found = misfits(with_layer(Across()), origin)["fresh process"]
    assert "layers of its own (Across)" in found.told
    assert "entry point" in found.remedy


def test_a_network_that_is_not_loaded_elsewhere_is_not_tried_there():
    verdicts = conformance.tried(with_layer(Drifting()), elsewhere=False)
    assert [one.name for one in verdicts] == STEPS
    assert all(one.fits for one in verdicts)


def test_what_is_registered_here_is_not_known_elsewhere():
    kind = keras.saving.register_keras_serializable("test_conformance")(Across)
    assert keras.saving.get_registered_object("test_conformance>Across") is kind
    assert "fresh process" in misfits(with_layer(kind()))
    assert keras.saving.get_registered_object("test_conformance>Across") is kind


def test_a_gradient_that_ends_before_the_pixels_is_told_and_is_no_misfit():
    pixels = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3)(ops.cast(ops.cast(pixels, "int32"), "float32") / 255)
    model = keras.Model(pixels, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    verdict = conformance.tried(model)[-1]
    assert verdict.fits
    assert verdict.told.startswith("zero by the pixels")
