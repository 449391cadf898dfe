"""HiResCAM and LayerCAM beside Grad-CAM, where the gradient differs from place to place."""

from __future__ import annotations

import numpy as np
import pytest
from known_networks import classifier_of, filters_network, halves_network, images_of

from explain import gradcam, hirescam, layercam
from zoo.base.registry import load_registry

BRIGHT = np.full((1, 32, 32, 3), 255, np.uint8)


def signs_network():
    """The left of one channel speaks for class 0, the right against it; of the other all for it."""
    classifier = halves_network()
    weights = np.zeros((8, 8, 2, 2), np.float32)
    weights[:, :4, 0, 0], weights[:, 4:, 0, 0], weights[..., 1, 0] = 1, -1, 0.25
    layer = classifier.model.get_layer("logits")
    layer.set_weights([weights.reshape(-1, 2), np.array([3, 0], np.float32)])
    return classifier


def test_behind_a_flattened_map_hirescam_knows_the_place_and_gradcam_does_not():
    (one,) = gradcam.explain(halves_network(), images_of(BRIGHT), [0])
    (other,) = hirescam.explain(halves_network(), images_of(BRIGHT), [0])
    assert one.values[:, :12].mean() == pytest.approx(one.values[:, 20:].mean(), rel=1e-5)
    np.testing.assert_allclose(other.values[:, :14], 1, rtol=1e-5)
    np.testing.assert_array_equal(other.values[:, 18:], 0)


def test_hirescam_adds_up_to_the_logit_without_its_bias():
    classifier = signs_network()
    pixels = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)
    logits = classifier.logits(pixels)[:, 0]
    for found, logit in zip(
        hirescam.explain(classifier, images_of(pixels), [0] * 3), logits, strict=True
    ):
        # Each of the 8 x 8 cells is enlarged to 4 x 4 pixels.
        assert found.values.sum() / 16 == pytest.approx(logit - 3, abs=0.02)


def test_hirescam_shows_what_speaks_against_and_layercam_only_what_speaks_for():
    (signed,) = hirescam.explain(signs_network(), images_of(BRIGHT), [0])
    (positive,) = layercam.explain(signs_network(), images_of(BRIGHT), [0])
    np.testing.assert_allclose(signed.values[:, :14], 1.25, rtol=1e-5)
    np.testing.assert_allclose(signed.values[:, 18:], -0.75, rtol=1e-5)
    np.testing.assert_allclose(positive.values[:, :14], 1.25, rtol=1e-5)
    np.testing.assert_allclose(positive.values[:, 18:], 0.25, rtol=1e-5)


@pytest.mark.parametrize(("network", "exact"), [(filters_network, True), (halves_network, False)])
def test_gradcam_says_where_it_is_not_exact(network, exact):
    pixels = np.random.default_rng(2).integers(1, 256, (40, 32, 32, 3), np.uint8)
    for found in gradcam.explain(network(), images_of(pixels), [0, 1] * 20):
        assert found.details == ({} if exact else {"exact": "no, 'hirescam' is closer"})


@pytest.mark.parametrize(("name", "exact"), [("scratch", True), ("mnist", False)])
def test_where_features_are_pooled_gradcam_is_hirescam(name, exact):
    import keras

    keras.utils.set_random_seed(0)
    model = load_registry().architecture(name).build((64, 64, 3), 2)
    random = np.random.default_rng(0)
    head = model.get_layer("logits")
    head.set_weights([random.normal(size=weight.shape) for weight in head.get_weights()])
    images, classifier = images_of(random.integers(0, 256, (1, 64, 64, 3))), classifier_of(model)
    (one,) = gradcam.explain(classifier, images, [1])
    assert ("exact" not in one.details) == exact
    features = classifier.gradients(images.pixels, [1])
    both = [
        np.maximum((features.features * gradients).sum(axis=-1), 0)
        for gradients in (
            features.by_features,
            features.by_features.mean(axis=(1, 2), keepdims=True),
        )
    ]
    assert np.allclose(*both, atol=1e-3 * both[0].max()) == exact
