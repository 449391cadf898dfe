"""Integrated gradients on networks whose integrals are known."""

from __future__ import annotations

import numpy as np
import pytest
from known_networks import classifier_of, halves_network, images_of, linear_network

from explain import integrated_gradients, saliency
from explain.maps.path import baseline_of
from zoo import InvalidSetting
from zoo.base.pictures.pixel_arrays import blurred

KINDS = ("blurred", "mean", "black")


def noise(count=1, side=8, channels=3):
    return np.random.default_rng(5).integers(0, 256, (count, side, side, channels), np.uint8)


def saturating_network():
    """The logit of class 0 rises with the sum of 4 pixels until it is full: 1 - relu(1 - sum)."""
    import keras

    inputs = keras.Input((8, 8, 1))
    unit = keras.layers.Dense(1, activation="relu", name="unit")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, name="logits")(unit))
    kernel = np.zeros((8, 8, 1, 1), np.float32)
    kernel[2:4, 2:4] = -1 / 255
    model.get_layer("unit").set_weights([kernel.reshape(-1, 1), np.ones(1, np.float32)])
    weights = np.array([[-1.0, 0.0]], np.float32)
    model.get_layer("logits").set_weights([weights, np.array([1, 0], np.float32)])
    return classifier_of(model)


@pytest.mark.parametrize("baseline", KINDS)
def test_of_a_linear_network_it_is_weight_times_difference_from_one_step_on(baseline):
    classifier, weights = linear_network()
    pixels = noise()
    start = {
        "blurred": blurred(pixels[0].astype(np.float32)),
        "mean": pixels[0].mean(axis=(0, 1)),
        "black": 0,
    }[baseline]
    for steps in (1, 7):
        (found,) = integrated_gradients.explain(
            classifier, images_of(pixels), [2], baseline=baseline, steps=steps
        )
        expected = (weights[..., 2] * (pixels[0] - start)).sum(axis=-1)
        np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=1e-2)
        assert found.details["completeness error"] < 0.05


def test_it_sees_evidence_that_the_gradient_at_the_image_does_not():
    classifier, pixels = saturating_network(), np.full((1, 8, 8, 1), 255, np.uint8)
    assert saliency.explain(classifier, images_of(pixels), [0])[0].values.max() == 0
    (found,) = integrated_gradients.explain(
        classifier, images_of(pixels), [0], baseline="black", steps=64
    )
    np.testing.assert_allclose(found.values[2:4, 2:4], 0.25, atol=0.02)
    assert found.values.sum() == pytest.approx(found.values[2:4, 2:4].sum())


def test_the_completeness_error_is_told_and_falls_with_the_steps():
    classifier, pixels = saturating_network(), np.full((1, 8, 8, 1), 255, np.uint8)
    errors = []
    for steps in (2, 64):
        (found,) = integrated_gradients.explain(
            classifier, images_of(pixels), [0], baseline="black", steps=steps
        )
        assert found.details["logit"] == pytest.approx(1)
        assert found.details["logit of the baseline"] == pytest.approx(0)
        error = found.details["completeness error"]
        assert error == pytest.approx(abs(found.values.sum() - 1), abs=1e-5)
        errors.append(error)
    assert errors[1] < 0.05 < errors[0]


@pytest.mark.parametrize("kind", KINDS)
def test_an_even_image_differs_from_black_alone(kind):
    grey = np.full((8, 8, 3), 90, np.float32)
    np.testing.assert_allclose(baseline_of(grey, kind), 0 if kind == "black" else 90, atol=1e-3)


def test_wrong_settings_are_refused():
    classifier, images = halves_network(), images_of(noise(side=32))
    with pytest.raises(InvalidSetting, match="blurred, mean, black"):
        integrated_gradients.explain(classifier, images, [0], baseline="white")
    with pytest.raises(InvalidSetting, match="steps"):
        integrated_gradients.explain(classifier, images, [0], steps=0)
