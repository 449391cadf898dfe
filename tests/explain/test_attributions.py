"""What maps by gradients and features have in common, on networks whose right map is known."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from known_networks import (
    classifier_of,
    filters_network,
    halves_network,
    images_of,
    linear_network,
)

from explain import (
    gradcam,
    gradcam_plus_plus,
    hirescam,
    integrated_gradients,
    layercam,
    saliency,
    scorecam,
    smoothgrad,
    xrai,
)
from zoo import InvalidSetting
from zoo.base.registry import load_registry

CAMS = (gradcam, gradcam_plus_plus, scorecam, hirescam, layercam)
METHODS = (*CAMS, saliency, smoothgrad, integrated_gradients, xrai)
SIGNED = (hirescam, integrated_gradients, xrai)
SLOW = pytest.mark.slow
by_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.NAME)
by_cam = pytest.mark.parametrize("method", CAMS, ids=lambda m: m.NAME)


def red_left_green_right(side=32):
    image = np.zeros((side, side, 3), np.uint8)
    image[:, : side // 2, 0] = 200
    image[:, side // 2 :, 1] = 200
    return image


def noise_images(count, side=32, channels=3):
    return np.random.default_rng(7).integers(0, 256, (count, side, side, channels), np.uint8)


@by_cam
def test_cam_lights_the_half_that_carries_the_class(method):
    pictures = images_of([red_left_green_right()] * 2)
    left, right = method.explain(filters_network(), pictures, [0, 1], None)
    assert left.values[:, :12].mean() > 5 * left.values[:, 20:].mean()
    assert right.values[:, 20:].mean() > 5 * right.values[:, :12].mean()


def test_gradcam_is_the_feature_map_times_the_mean_gradient():
    image = red_left_green_right()
    (found,) = gradcam.explain(filters_network(), images_of([image]), [0], None)
    # The logit is 5 x the mean of 64 cells, thus the gradient 5/64; a red cell is 200/255.
    assert found.values[16, 4] == pytest.approx(5 / 64 * 200 / 255, rel=1e-5)
    assert found.values[16, 28] == 0


@by_cam
def test_a_cell_of_the_feature_map_is_drawn_over_the_pixels_it_sees(method):
    image = np.zeros((32, 32, 3), np.uint8)
    image[8:12, 20:24, 0] = 255
    (found,) = method.explain(filters_network(), images_of([image]), [0], None)
    rows, columns = np.indices(found.values.shape)
    assert np.average(rows, weights=found.values) == pytest.approx(9.5, abs=0.01)
    assert np.average(columns, weights=found.values) == pytest.approx(21.5, abs=0.01)


def test_saliency_of_a_linear_network_is_its_largest_absolute_weight():
    classifier, weights = linear_network()
    found = saliency.explain(classifier, images_of(noise_images(3, 8)), [0, 1, 2], None)
    for target, attribution in enumerate(found):
        expected = np.abs(weights[..., target]).max(axis=-1)
        np.testing.assert_allclose(attribution.values, expected, rtol=1e-5)


def test_smoothgrad_of_a_linear_network_is_its_saliency_however_many_samples():
    classifier, _ = linear_network()
    images = images_of(noise_images(2, 8))
    plain = saliency.explain(classifier, images, [0, 2], None)
    for samples in (1, 16, 20):
        smooth = smoothgrad.explain(classifier, images, [0, 2], None, samples=samples)
        for one, other in zip(plain, smooth, strict=True):
            np.testing.assert_allclose(one.values, other.values, rtol=1e-5)


def test_smoothgrad_sees_past_a_dead_unit():
    """A ReLU just below zero has no gradient; noise wakes it."""
    import keras

    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Dense(1, activation="relu", name="unit")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, use_bias=False, name="logits")(x))
    model.get_layer("unit").set_weights([np.full((64, 1), 1 / 64, np.float32), np.array([-100.0])])
    model.get_layer("logits").set_weights([np.array([[1.0, -1.0]], np.float32)])
    pixels = np.full((1, 8, 8, 1), 96, np.uint8)
    pixels[0, 0, 0], pixels[0, 7, 7] = 0, 255
    images, classifier = images_of(pixels), classifier_of(model)
    assert saliency.explain(classifier, images, [0], None)[0].values.max() == 0
    assert smoothgrad.explain(classifier, images, [0], None)[0].values.min() > 0
    still = smoothgrad.explain(classifier, images, [0], None, noise=0.0)
    assert still[0].values.max() == 0


def test_smoothgrad_is_the_same_each_time_and_leaves_global_randomness_alone():
    classifier, images = halves_network(), images_of(noise_images(1))
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - others draw from it
    first = smoothgrad.explain(classifier, images, [0], None)[0].values
    second = smoothgrad.explain(classifier, images, [0], None)[0].values
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@by_method
def test_a_batch_equals_its_images_one_by_one(method):
    classifier, pixels = filters_network(), noise_images(18)  # more than a chunk
    targets = [i % 2 for i in range(18)]
    together = method.explain(classifier, images_of(pixels), targets, None)
    assert [found.target for found in together] == targets
    for index in (0, 1, 17):
        (alone,) = method.explain(
            classifier, images_of(pixels[index : index + 1]), [targets[index]], None
        )
        np.testing.assert_allclose(together[index].values, alone.values, rtol=1e-4, atol=1e-7)


@by_method
def test_another_target_gives_another_map(method):
    pictures = images_of([red_left_green_right()] * 2)
    # Grad-CAM averages the gradient over positions, and saliency does not look at the image.
    classifier = filters_network() if method in (*CAMS, *SIGNED) else halves_network()
    one, other = method.explain(classifier, pictures, [0, 1], None)
    assert not np.allclose(one.values, other.values, rtol=1e-2)


@by_method
@pytest.mark.parametrize("channels", [1, 3])
def test_maps_have_the_size_of_the_input_and_a_sign_or_none_and_are_silent(method, channels, capfd):
    found = method.explain(
        halves_network(channels), images_of(noise_images(2, channels=channels)), [0, 1], None
    )
    for attribution in found:
        assert attribution.method == method.NAME
        assert attribution.values.shape == (32, 32)
        assert attribution.values.dtype == np.float32
        assert attribution.values.max() > 0
        assert attribution.signed == (method in SIGNED)
        assert attribution.signed or attribution.values.min() >= 0
    out, err = capfd.readouterr()
    assert out == ""
    assert "ms/step" not in err


@by_method
def test_what_is_not_square_keeps_its_frame(method):
    import keras

    inputs = keras.Input((16, 24, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.Conv2D(4, 3, strides=4, padding="same", activation="relu")(x)
    outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x))
    pixels = np.random.default_rng(0).integers(0, 256, (1, 16, 24, 3))
    classifier = classifier_of(keras.Model(inputs, outputs))
    assert method.explain(classifier, images_of(pixels), [0], None)[0].values.shape == (16, 24)


@by_method
def test_a_black_image_gives_zeros_and_never_nan(method):
    (found,) = method.explain(filters_network(), images_of(np.zeros((1, 32, 32, 3))), [0], None)
    assert np.isfinite(found.values).all()
    if method in CAMS:
        assert found.values.max() == 0


def test_gradcam_plus_plus_survives_a_logit_whose_exponential_overflows():
    classifier = filters_network()
    layer = classifier.model.get_layer("logits")
    layer.set_weights([500 * np.eye(2, dtype=np.float32), np.zeros(2)])
    (found,) = gradcam_plus_plus.explain(classifier, images_of([red_left_green_right()]), [0], None)
    assert np.isfinite(found.values).all()
    assert found.values.max() > 0


@by_cam
def test_a_network_without_convolution_is_refused(method):
    classifier, _ = linear_network()
    with pytest.raises(InvalidSetting, match=r"without a convolution.*saliency.*occlusion.*rise"):
        method.explain(classifier, images_of(noise_images(1, 8)), [0], None)


@by_method
def test_a_target_that_is_no_class_is_refused(method):
    with pytest.raises(InvalidSetting, match="2 classes, numbered 0 to 1"):
        method.explain(halves_network(), images_of(noise_images(1)), [2], None)


@by_method
def test_no_images_give_no_maps(method):
    assert method.explain(halves_network(), images_of(noise_images(0)), [], None) == []


def test_options_out_of_range_are_refused():
    classifier, images = halves_network(), images_of(noise_images(1))
    with pytest.raises(InvalidSetting, match="samples"):
        smoothgrad.explain(classifier, images, [0], None, samples=0)
    with pytest.raises(InvalidSetting, match="noise"):
        smoothgrad.explain(classifier, images, [0], None, noise=-0.1)
    for value in (math.inf, math.nan):
        with pytest.raises(InvalidSetting, match="expected a finite number, 0 or more"):
            smoothgrad.explain(classifier, images, [0], None, noise=value)
    with pytest.raises(InvalidSetting, match="max_channels"):
        scorecam.explain(classifier, images, [0], None, max_channels=0)


def test_scorecam_tries_only_the_channels_it_may():
    """Green varies more than red here, and class 0 is red: one channel cannot show it."""
    image = np.zeros((32, 32, 3), np.uint8)
    image[:8, :8, 0], image[16:, :, 1] = 60, 255
    classifier, images = filters_network(), images_of([image])
    one = scorecam.explain(classifier, images, [0], None, max_channels=1)[0].values
    both = scorecam.explain(classifier, images, [0], None, max_channels=99)[0].values
    assert one[:8, :8].max() == 0
    assert both[:8, :8].max() > 0


@pytest.mark.parametrize(
    "name",
    [pytest.param("efficientnet", marks=SLOW), "scratch", pytest.param("alexnet", marks=SLOW)],
)
def test_maps_equal_those_of_tf_keras_vis(name):
    """Our pass through the network against an implementation that others keep."""
    import keras
    import maps_of_tf_keras_vis as others

    keras.utils.set_random_seed(1)
    model = load_registry().architecture(name).build((96, 64, 3), 2)
    random = np.random.default_rng(3)
    head = model.get_layer("logits")  # of efficientnet it begins with zeros, and so would the maps
    head.set_weights([random.normal(size=weight.shape) for weight in head.get_weights()])
    pixels = random.integers(0, 256, (3, 96, 64, 3), np.uint8)
    subject, images, targets = classifier_of(model), images_of(pixels), [0, 1, 0]
    for method in (gradcam, gradcam_plus_plus):
        expected = others.activations(method.NAME, subject, pixels, targets)
        assert expected.max() > 0
        for found, map_ in zip(method.explain(subject, images, targets), expected, strict=True):
            np.testing.assert_allclose(found.values, map_, rtol=1e-4, atol=1e-4 * map_.max())
    expected = others.saliency(subject, pixels, targets)
    for found, map_ in zip(saliency.explain(subject, images, targets), expected, strict=True):
        assert map_.max() > 0
        np.testing.assert_allclose(found.values, map_, rtol=1e-4, atol=1e-4 * map_.max())
    (map_,) = others.scorecam(subject, pixels[:1], targets[:1], channels=16)
    (found,) = scorecam.explain(subject, images_of(pixels[:1]), targets[:1])
    assert map_.max() > 0
    np.testing.assert_allclose(found.values, map_, rtol=1e-3, atol=1e-3 * map_.max())


@by_method
def test_a_network_in_half_precision_is_explained_in_float32(method):
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 255, dtype="mixed_bfloat16")(inputs)
    x = layers.Conv2D(4, 4, strides=4, activation="relu", dtype="mixed_bfloat16")(x)
    x = layers.GlobalAveragePooling2D(dtype="mixed_bfloat16")(x)
    model = keras.Model(inputs, layers.Dense(2, dtype="float32")(x))
    (found,) = method.explain(classifier_of(model), images_of(noise_images(1)), [1], None)
    assert found.values.dtype == np.float32
    assert np.isfinite(found.values).all()


def test_declaring_explainers_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from explain import gradcam, gradcam_plus_plus, scorecam, saliency, smoothgrad\n"
        "from explain import shapley, examples, hirescam, layercam, integrated_gradients, xrai\n"
        "from explain import occlusion, rise, lime\n"
        "declared = [m.zoo_explainers()[0] for m in (gradcam, gradcam_plus_plus, scorecam,"
        " saliency, smoothgrad, shapley, examples, hirescam, layercam, integrated_gradients, xrai,"
        " occlusion, rise, lime)]\n"
        "heavy = {'numpy', 'keras', 'tensorflow', 'shap', 'scipy', 'sklearn', 'tf_keras_vis',"
        " 'skimage'}\n"
        "print(sorted(heavy & set(sys.modules)), *[e.name + '!' * e.default for e in declared])"
    )
    shown = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == (
        "[] gradcam! gradcam++ scorecam saliency! smoothgrad shap examples! hirescam layercam "
        "integrated-gradients xrai occlusion rise lime"
    )
