"""SHAP on networks whose Shapley values are known."""

from __future__ import annotations

import numpy as np
import pytest
from known_networks import AdditiveClassifier, additive, images_of

from explain import shapley
from explain.maps.occlusion import LogOdds, shared_out
from zoo import InvalidSetting
from zoo.base.pictures.pixel_arrays import blurred


class ProductClassifier(AdditiveClassifier):
    """The logit of class 0 is the product of two halves' means: all interaction."""

    def logits(self, pixels, boxes=None):
        left, right = np.split(pixels.astype(np.float64) / 255, 2, axis=2)
        product = 10 * left.mean(axis=(1, 2, 3)) * right.mean(axis=(1, 2, 3))
        return np.stack([product, np.zeros_like(product)], axis=1)


def noise_images(count, side=16, channels=3):
    return np.random.default_rng(3).integers(0, 256, (count, side, side, channels), np.uint8)


def blocks(values, side):
    rows = values.shape[0] // side
    return values.reshape(rows, side, rows, side).sum(axis=(1, 3))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("target", [0, 1])
def test_a_linear_network_has_weight_times_difference_in_each_region(channels, target):
    classifier, pixels = additive(channels=channels), noise_images(1, channels=channels)
    (found,) = shapley.explain(classifier, images_of(pixels), [target], evaluations=2000)
    margin = classifier.weights[..., target] - classifier.weights[..., 1 - target]
    seen = pixels[0].astype(np.float32)
    difference = seen - blurred(seen)
    expected = (margin * difference).sum(axis=-1)
    # Finer regions are halved by their weight: one whose halves cancel out may stay whole.
    np.testing.assert_allclose(blocks(found.values, 8), blocks(expected, 8), atol=1e-4)
    assert found.values.sum() == pytest.approx(expected.sum(), abs=1e-4)


def test_the_evidence_is_found_where_it_is():
    """Only 4 x 4 of 32 x 32 pixels count, and they speak for class 0."""
    weights = np.zeros((32, 32, 1, 2))
    weights[20:24, 8:12, 0, 0] = 0.01
    pixels = np.zeros((1, 32, 32, 1), np.uint8)
    pixels[0, 16:28, 4:16] = 200
    classifier = AdditiveClassifier(weights)
    (found,) = shapley.explain(classifier, images_of(pixels), [0], evaluations=1000)
    inside = found.values[20:24, 8:12].sum()
    assert inside > 0
    assert inside == pytest.approx(found.values.sum(), rel=0.02)
    assert np.abs(found.values).sum() == pytest.approx(inside, rel=0.02)


def test_the_values_are_signed_and_turn_round_with_the_target():
    classifier, pixels = additive(), noise_images(2)
    pixels[1] = pixels[0]
    one, other = shapley.explain(classifier, images_of(pixels), [0, 1], evaluations=500)
    assert one.signed
    assert one.values.min() < 0 < one.values.max()
    np.testing.assert_allclose(one.values, -other.values, atol=1e-5)


def test_an_interaction_is_shared_equally():
    classifier = ProductClassifier(np.zeros((16, 16, 1, 2)))
    pixels = np.zeros((1, 16, 16, 1), np.uint8)
    pixels[0, 4:12, 4:12] = 255
    (found,) = shapley.explain(classifier, images_of(pixels), [0], evaluations=500)
    left, right = found.values[:, :8].sum(), found.values[:, 8:].sum()
    assert left == pytest.approx(right, rel=1e-5)
    assert found.details["additivity error"] < 1e-5


def test_the_details_account_for_the_log_odds():
    classifier, pixels = additive(classes=3), noise_images(1)
    classifier.class_names = ("a", "b", "c")
    (found,) = shapley.explain(classifier, images_of(pixels), [2], evaluations=300)
    logits = classifier.logits(pixels)[0]
    log_odds = logits[2] - np.log(np.exp(logits[0]) + np.exp(logits[1]))
    assert found.details["log-odds"] == pytest.approx(log_odds)
    total = found.values.sum(dtype=float) + found.details["log-odds of the blurred copy"]
    assert total == pytest.approx(log_odds, abs=1e-4)
    assert found.details["additivity error"] == pytest.approx(abs(total - log_odds))
    assert found.details["seconds"] > 0


def test_extreme_logits_stay_finite():
    classifier, pixels = additive(), noise_images(1)
    classifier.scale = 1e6
    (found,) = shapley.explain(classifier, images_of(pixels), [0], evaluations=100)
    assert np.isfinite(found.values).all()


def test_evaluations_are_kept_to_and_batched():
    classifier, pixels = additive(), noise_images(1)
    (found,) = shapley.explain(classifier, images_of(pixels), [0], evaluations=300)
    assert found.details["evaluations"] == classifier.calls
    assert 250 <= classifier.calls <= 303
    assert classifier.largest_batch == shapley.BATCH


def test_the_budget_buys_evaluations_within_bounds(monkeypatch):
    images, bought = images_of(noise_images(1)), {}
    for seconds in (1.0, 0.02, 1e-6):
        monkeypatch.setattr(shapley, "_seconds_per_evaluation", lambda _, s=seconds: s)
        (found,) = shapley.explain(additive(), images, [0], budget=10.0)
        bought[seconds] = found.details["evaluations"]
    assert bought[1.0] == pytest.approx(shapley.FEWEST, abs=4)
    assert bought[0.02] == pytest.approx(500 * shapley.SAFETY, abs=4)
    assert bought[1e-6] == pytest.approx(shapley.MOST, abs=4)


def test_the_speed_is_measured_once_for_a_classifier():
    classifier, images = additive(), images_of(noise_images(1))
    shapley.explain(classifier, images, [0], budget=0)
    after_first = classifier.calls
    (found,) = shapley.explain(classifier, images, [0], budget=0)
    assert classifier.calls - after_first == found.details["evaluations"]


def test_the_same_call_gives_the_same_map_and_leaves_global_randomness_alone():
    pixels = np.zeros((1, 16, 16, 1), np.uint8)
    pixels[0, 4:12, 4:12] = 255
    classifier = ProductClassifier(np.zeros((16, 16, 1, 2)))
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - SHAP draws from it
    maps = [
        shapley.explain(classifier, images_of(pixels), [0], evaluations=200)[0].values
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*maps)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_another_seed_keeps_the_sum_and_leaves_global_randomness_alone():
    pixels = np.zeros((1, 16, 16, 1), np.uint8)
    pixels[0, 4:12, 4:12] = 255
    classifier = ProductClassifier(np.zeros((16, 16, 1, 2)))
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - SHAP draws from it
    one, same, other = (
        shapley.explain(classifier, images_of(pixels), [0], evaluations=60, seed=seed)[0].values
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert other.sum() == pytest.approx(one.sum(), rel=1e-5)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_the_seed_is_what_shap_orders_by(monkeypatch):
    seeds = []
    monkeypatch.setattr(np.random, "seed", seeds.append)
    shapley.explain(additive(), images_of(noise_images(1)), [0], evaluations=40, seed=7)
    assert seeds == [7]


def test_a_batch_equals_its_images_one_by_one():
    classifier, pixels = additive(), noise_images(3)
    together = shapley.explain(classifier, images_of(pixels), [0, 1, 0], evaluations=200)
    (alone,) = shapley.explain(classifier, images_of(pixels[1:2]), [1], evaluations=200)
    np.testing.assert_array_equal(together[1].values, alone.values)


def test_an_even_image_speaks_for_nothing():
    pixels = np.full((1, 16, 16, 3), 90, np.uint8)
    (found,) = shapley.explain(additive(), images_of(pixels), [0], evaluations=200)
    np.testing.assert_allclose(found.values, 0, atol=1e-6)


def test_large_and_uneven_images_keep_their_frame_and_their_sum():
    random = np.random.default_rng(0)
    classifier = AdditiveClassifier(random.normal(size=(75, 130, 1, 2)) / 1000)
    pixels = random.integers(0, 256, (1, 75, 130, 1), np.uint8)
    (found,) = shapley.explain(classifier, images_of(pixels), [0], evaluations=200)
    assert found.values.shape == (75, 130)
    assert found.values.dtype == np.float32
    assert found.details["additivity error"] < 1e-4


def test_a_mask_shows_the_image_where_it_is_one_and_the_blur_elsewhere():
    seen = []

    class Recorder(AdditiveClassifier):
        def logits(self, pixels, boxes=None):
            seen.append(pixels)
            return super().logits(pixels, boxes)

    image = noise_images(1)[0]
    game = LogOdds(Recorder(np.zeros((16, 16, 3, 2))), image, blurred(image), 0)
    visible = np.zeros((1, 16, 16, 1))
    visible[:, :, :5] = 1
    game(visible)
    np.testing.assert_array_equal(seen[0][0, :, :5], image[:, :5])
    np.testing.assert_array_equal(seen[0][0, :, 5:], blurred(image)[:, 5:])


def test_it_is_silent_even_when_it_takes_long(capfd, monkeypatch):
    ticks = iter(range(0, 10**9, 60))
    monkeypatch.setattr("time.time", lambda: next(ticks))  # SHAP shows its bars after 5 seconds
    shapley.explain(additive(), images_of(noise_images(2)), [0, 1], evaluations=200)
    assert capfd.readouterr() == ("", "")


def test_wrong_settings_are_refused():
    classifier, images = additive(), images_of(noise_images(1))
    with pytest.raises(InvalidSetting, match="budget"):
        shapley.explain(classifier, images, [0], budget=-1.0)
    with pytest.raises(InvalidSetting, match="budget"):
        shapley.explain(classifier, images, [0], budget=float("nan"))
    with pytest.raises(InvalidSetting, match="evaluations"):
        shapley.explain(classifier, images, [0], evaluations=-5)
    with pytest.raises(InvalidSetting, match="seed"):
        shapley.explain(classifier, images, [0], seed=-1)
    with pytest.raises(InvalidSetting, match="2 classes"):
        shapley.explain(classifier, images, [-1])
    assert shapley.explain(classifier, images_of(noise_images(0)), []) == []


@pytest.mark.parametrize("size", [(229, 229), (64, 90), (30, 41)])
def test_cells_share_out_their_values_among_the_pixels_of_their_box(size):
    values = np.random.default_rng(1).normal(size=(23, 17))
    box = np.array([0.11, 0.2, 0.93, 0.81])
    placed = shared_out(values, box, size)
    assert placed.shape == size
    assert placed.sum() == pytest.approx(values.sum())
    rows, columns = np.nonzero(placed)
    assert box[0] * size[0] - 1 < rows.min() < rows.max() < box[2] * size[0]
    assert box[1] * size[1] - 1 < columns.min() < columns.max() < box[3] * size[1]
