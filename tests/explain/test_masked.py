"""Occlusion, RISE and LIME: methods that ask for nothing but the answers to masked copies."""

from __future__ import annotations

import numpy as np
import pytest
from known_networks import AdditiveClassifier, additive, images_of, linear_network

from explain import lime, occlusion, rise
from explain.maps import black_box
from zoo import InvalidSetting
from zoo.base.pictures.pixel_arrays import blurred

METHODS = (occlusion, rise, lime)
by_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.NAME)


class HalvesClassifier(AdditiveClassifier):
    """Two bright squares: the left one speaks for class 0, the right one against it."""

    def __init__(self, side=32):
        super().__init__(np.zeros((side, side, 1, 2)))
        self.weights[8:24, 4:12, 0, 0] = 0.001
        self.weights[8:24, 20:28, 0, 0] = -0.001


class ParityClassifier(AdditiveClassifier):
    """Class 0 when an even number of bright quarters is shown: nothing is linear in it."""

    def logits(self, pixels, boxes=None):
        pixels = np.asarray(pixels, np.float64)
        count, side = len(pixels), pixels.shape[1] // 2
        quarters = pixels.reshape(count, 2, side, 2, side, -1).mean(axis=(2, 4, 5)) / 255
        signs = np.prod(2 * (quarters > 0.5) - 1, axis=(1, 2)).astype(np.float64)
        return np.stack([3 * signs, np.zeros(count)], axis=1)


def squares(side=32):
    image = np.zeros((1, side, side, 1), np.uint8)
    image[0, 8:24, 4:12], image[0, 8:24, 20:28] = 200, 200
    return image


@by_method
def test_what_speaks_for_the_target_is_above_zero_and_what_speaks_against_it_below(method):
    classifier, images = HalvesClassifier(), images_of(np.repeat(squares(), 2, axis=0))
    one, other = method.explain(classifier, images, [0, 1])
    left, right = one.values[10:22, 5:11], one.values[10:22, 21:27]
    assert left.min() > 0 > right.max()
    assert left.mean() > 3 * np.abs(one.values[:, 14:18]).mean()
    assert one.signed
    np.testing.assert_allclose(other.values, -one.values, atol=1e-5)


@by_method
def test_details_account_for_the_cost(method):
    classifier, images = HalvesClassifier(), images_of(squares())
    (found,) = method.explain(classifier, images, [0], evaluations=100)
    logits = classifier.logits(images.pixels)[0]
    assert found.details["log-odds"] == pytest.approx(logits[0] - logits[1], rel=1e-5)
    assert found.details["evaluations"] == classifier.calls - 1 == 101
    assert found.details["seconds"] > 0
    assert classifier.largest_batch <= black_box.BATCH


@by_method
def test_a_batch_equals_its_images_one_by_one(method):
    classifier = additive(side=32)
    pixels = np.random.default_rng(3).integers(0, 256, (3, 32, 32, 3), np.uint8)
    together = method.explain(classifier, images_of(pixels), [0, 1, 0], evaluations=80)
    (alone,) = method.explain(classifier, images_of(pixels[1:2]), [1], evaluations=80)
    np.testing.assert_array_equal(together[1].values, alone.values)
    assert together[1].values.shape == (32, 32)
    assert together[1].values.dtype == np.float32


@by_method
def test_the_map_does_not_depend_on_how_many_masks_a_pass_has(method, monkeypatch):
    classifier, images = HalvesClassifier(), images_of(squares())
    (one,) = method.explain(classifier, images, [0], evaluations=64)
    monkeypatch.setattr(black_box, "BATCH", 64)
    (other,) = method.explain(classifier, images, [0], evaluations=64)
    np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", [rise, lime], ids=lambda m: m.NAME)
def test_random_numbers_follow_from_the_seed_alone(method):
    classifier, images = HalvesClassifier(), images_of(squares())
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - others draw from it
    one, same, other = (
        method.explain(classifier, images, [0], evaluations=64, seed=seed)[0].values
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other, rtol=1e-3)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@by_method
def test_they_explain_a_network_without_a_convolution_and_what_is_not_square(method):
    classifier, _ = linear_network()
    pixels = np.random.default_rng(3).integers(0, 256, (1, 8, 8, 3), np.uint8)
    (found,) = method.explain(classifier, images_of(pixels), [2], evaluations=20)
    assert np.ptp(found.values) > 0
    wide = AdditiveClassifier(np.random.default_rng(0).normal(size=(20, 35, 1, 2)) / 100)
    pixels = np.random.default_rng(3).integers(0, 256, (1, 20, 35, 1), np.uint8)
    assert method.explain(wide, images_of(pixels), [0])[0].values.shape == (20, 35)


@by_method
def test_an_even_image_speaks_for_nothing(method):
    pixels = np.full((1, 16, 16, 3), 90, np.uint8)
    (found,) = method.explain(additive(), images_of(pixels), [0], evaluations=40)
    np.testing.assert_allclose(found.values, 0, atol=1e-4)


@by_method
def test_wrong_settings_are_refused(method):
    classifier, images = HalvesClassifier(), images_of(squares())
    with pytest.raises(InvalidSetting, match="evaluations"):
        method.explain(classifier, images, [0], evaluations=1)
    with pytest.raises(InvalidSetting, match="2 classes"):
        method.explain(classifier, images, [2])
    assert method.explain(classifier, images_of(np.zeros((0, 32, 32, 1))), []) == []


def test_options_out_of_range_are_refused():
    classifier, images = HalvesClassifier(), images_of(squares())
    for window in (0.0, 1.5, float("nan")):
        with pytest.raises(InvalidSetting, match=r"window.*share above 0"):
            occlusion.explain(classifier, images, [0], window=window)
    with pytest.raises(InvalidSetting, match="visible"):
        rise.explain(classifier, images, [0], visible=0.0)
    with pytest.raises(InvalidSetting, match="cells"):
        rise.explain(classifier, images, [0], cells=1)
    with pytest.raises(InvalidSetting, match="regions"):
        lime.explain(classifier, images, [0], regions=1)
    for method in (rise, lime):
        with pytest.raises(InvalidSetting, match="seed"):
            method.explain(classifier, images, [0], seed=-1)


def test_occlusion_is_the_mean_loss_over_the_windows_that_cover_a_pixel():
    """Four windows of half a side do not overlap: each has what its quarter is worth."""
    classifier = additive(side=16, channels=1)
    pixels = np.random.default_rng(3).integers(0, 256, (1, 16, 16, 1), np.uint8)
    (found,) = occlusion.explain(classifier, images_of(pixels), [0], window=0.5, evaluations=4)
    margin = classifier.weights[..., 0] - classifier.weights[..., 1]
    evidence = (margin * (pixels[0] - blurred(pixels[0].astype(np.float32)))).sum(axis=-1)
    for rows in (slice(0, 8), slice(8, 16)):
        for columns in (slice(0, 8), slice(8, 16)):
            np.testing.assert_allclose(
                found.values[rows, columns], evidence[rows, columns].sum(), atol=1e-4
            )


def test_windows_leave_no_gap_however_few_they_are():
    for window in (0.01, 0.3, 1.0):
        for side in (2, 3, 14):
            for length in (28, 33):
                covered = np.zeros(length)
                for span in occlusion._spans(length, window, side):
                    covered[span] += 1
                assert covered.min() >= 1


def test_masks_of_rise_are_even_smooth_and_as_many_as_asked_for():
    masks = np.concatenate(list(rise._masks((40, 60), 500, 7, 0.3, 0)))
    assert masks.shape == (500, 40, 60)
    assert masks.min() >= 0
    assert masks.max() <= 1
    np.testing.assert_allclose(masks.mean(axis=0), 0.3, atol=0.1)
    assert np.abs(np.diff(masks, axis=1)).max() <= 7 / 40 + 1e-6


def test_lime_finds_the_weights_of_a_linear_game_and_says_that_it_fits():
    random = np.random.default_rng(0)
    shown, weights = random.random((400, 10)) < 0.5, random.normal(size=10)
    found, fit = lime.fitted(shown, shown @ weights + 2)
    np.testing.assert_allclose(found, weights, atol=0.05)
    assert fit > 0.99
    _, noise = lime.fitted(shown, random.normal(size=400))
    assert noise < 0.1


def test_lime_says_where_a_linear_model_does_not_fit():
    image = np.full((1, 32, 32, 1), 255, np.uint8)
    image[0, ::16], image[0, :, ::16] = 0, 0
    classifier = ParityClassifier(np.zeros((32, 32, 1, 2)))
    (found,) = lime.explain(classifier, images_of(image), [0], regions=4)
    assert found.details["R2 of the fit"] < 0.5
    (found,) = lime.explain(HalvesClassifier(), images_of(squares()), [0])
    assert found.details["R2 of the fit"] > 0.9
