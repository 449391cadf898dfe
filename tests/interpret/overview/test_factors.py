"""Factors of feature maps whose parts are known."""

from __future__ import annotations

import numpy as np
import pytest
from known_networks import filters_network

from zoo.interpret.overview import factors as module
from zoo.interpret.overview.activations import Pictures, activations
from zoo.interpret.overview.factors import Factors, factorise, find_factors, made_of

SIDE, COUNT = 32, 30
LEFT, RIGHT = np.s_[4:12, 4:12], np.s_[20:28, 20:28]


def pictures() -> Pictures:
    """Red in the upper left of all; green in the lower right, and more of it in class 1."""
    random = np.random.default_rng(0)
    labels = np.arange(COUNT) % 2
    pixels = np.zeros((COUNT, SIDE, SIDE, 3), np.uint8)
    for row, label in enumerate(labels):
        pixels[row][LEFT][..., 0] = random.integers(100, 130)
        pixels[row][RIGHT][..., 1] = random.integers(60, 120) + 120 * label
    lungs = np.zeros((SIDE, SIDE), bool)
    lungs[16:, 16:] = True
    people = np.array([f"p{row // 2}-{row % 2}" for row in range(COUNT)])
    names = tuple(f"{row:016x}" for row in range(COUNT))
    return Pictures(pixels, (lungs,) * COUNT, labels, labels == 1, people, names)


def found() -> Factors:
    classifier, shown = filters_network(), pictures()
    return find_factors(classifier, shown, activations(classifier, shown.pixels, 1), 1)


def test_the_factor_that_carries_the_score_lies_where_it_must() -> None:
    result = found()
    green, red = result.each
    assert result.measured
    assert result.explained == pytest.approx(1, abs=0.01)
    assert green.moved["value"] > 1
    assert green.carried["value"] == pytest.approx(1, abs=0.1)
    assert red.carried["value"] == pytest.approx(0, abs=0.1)
    assert red.moved["value"] < 0
    assert green.inside["value"] > 0.9
    assert red.inside["value"] < 0.1
    assert green.lungs == pytest.approx(0.25)
    assert green.positives > 0.6
    assert red.positives == pytest.approx(0.5, abs=0.05)
    assert green.drop["value"] > 0.3
    assert abs(red.drop["value"]) < 0.05
    assert {crop.label for crop in green.crops} == {1}
    assert all(crop.pixels[..., 1].max() > 170 for crop in green.crops)
    assert all(crop.pixels[..., 0].max() == 0 for crop in green.crops), "nothing of the other place"
    said = made_of(result)
    assert "factor 1 makes 9" in said or "factor 1 makes 10" in said
    assert said.endswith("of it lies in the lungs, which are 25 % of what is seen.")


def test_without_one_map_the_gradient_tells_the_same_of_a_linear_head(monkeypatch) -> None:
    measured = found()
    monkeypatch.setattr(module, "behind_map", lambda classifier: None)
    told = found()
    assert not told.measured
    for one, other in zip(measured.each, told.each, strict=True):
        assert one.moved["value"] == pytest.approx(other.moved["value"], abs=0.02)


def test_a_map_with_negative_values_is_split_and_put_together_again() -> None:
    random = np.random.default_rng(0)
    amounts = random.gamma(0.3, size=(20, 4, 4, 3))
    parts = np.array([[1, -1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, -2.0]])
    features = (amounts @ parts).astype(np.float32)
    slopes = np.broadcast_to(np.array([1, 1, 1, 1, 1], np.float32), features.shape)
    given, known, explained = factorise(features, slopes, number=3)
    assert explained > 0.98
    assert np.corrcoef((given @ known).ravel(), features.ravel())[0, 1] > 0.99
    assert (given >= 0).all()
    assert (factorise(features, slopes, number=3)[0] == given).all()


def test_what_is_little_of_the_map_but_decides_is_found() -> None:
    """Nine tenths of the map are the same everywhere; a faint channel in a few cells decides."""
    random = np.random.default_rng(0)
    features = random.gamma(4, 1, size=(30, 6, 6, 8)).astype(np.float32)
    features[..., 7] = 0
    strength = random.uniform(0, 1, 30).astype(np.float32)
    features[:, 4, 1, 7] = strength
    slopes = np.zeros_like(features)
    slopes[..., :7], slopes[..., 7] = 1e-4, 1
    amounts, parts, _ = factorise(features, slopes)
    lost = np.einsum("nrck,kd,nrcd->nk", amounts, parts, slopes)
    carried = [np.polyfit(strength, one, 1)[0] for one in lost.T]
    assert max(carried) > 0.9
    where = amounts[..., int(np.argmax(carried))].mean(axis=0)
    assert np.unravel_index(where.argmax(), where.shape) == (4, 1)


def test_one_crop_of_each_patient_and_all_of_it_inside() -> None:
    shown = pictures()
    same = Pictures(
        shown.pixels,
        shown.lungs,
        shown.labels,
        shown.truth,
        np.array(["p"] * COUNT),
        shown.digests,
    )
    classifier = filters_network()
    result = find_factors(classifier, same, activations(classifier, same.pixels, 1), 1)
    assert all(len(one.crops) == 1 for one in result.each)
    assert all(crop.pixels.shape == (112, 112, 3) for one in result.each for crop in one.crops)


def test_a_map_of_zeros_has_no_factors() -> None:
    classifier, shown = filters_network(), pictures()
    blank = np.zeros_like(shown.pixels)
    known = activations(classifier, blank, 1)
    result = find_factors(classifier, shown, known, 1)
    assert result.each == ()
    assert "zero everywhere" in result.left_out
    assert made_of(result) == ""
