from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.stats.calibration import (
    calibration_error,
    calibration_scores,
    error_by_chance,
    fit_temperature,
)
from zoo.stats.probabilities import softmax


def miscalibrated(temperature: float, images: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `temperature` times as large as what the labels were drawn from."""
    random = np.random.default_rng(0)
    honest = random.normal(0, 1.5, (images, 3))
    chances = softmax(honest).cumsum(axis=1)
    labels = (random.uniform(size=(images, 1)) > chances).sum(axis=1)
    return honest * temperature, labels


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_a_known_miscalibration_gets_its_temperature_back(temperature):
    logits, labels = miscalibrated(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_the_temperature_mends_an_overconfident_network_and_changes_no_answer():
    logits, labels = miscalibrated(4.0)
    measured = calibration_scores(logits, labels, fit_temperature(logits, labels))
    for score in ("ece_width", "ece_mass"):
        assert measured["before"][score] > 0.1
        assert measured["after"][score] < 0.02
    assert measured["after"]["brier"] < measured["before"]["brier"]
    assert sum(b["images"] for b in measured["after"]["bins"]) == len(labels)


def test_calibration_error_by_hand():
    confidence = np.array([0.9, 0.9, 0.6, 0.6])
    right = np.array([True, True, True, False])
    edges = np.array([0.5, 0.75, 1.0])
    assert calibration_error(confidence, right, edges) == pytest.approx((2 * 0.1 + 2 * 0.1) / 4)


def test_brier_score_by_hand():
    logits = np.log(np.array([[0.8, 0.2], [0.4, 0.6]]))
    measured = calibration_scores(logits, np.array([0, 0]), 1.0)["before"]["brier"]
    assert measured == pytest.approx((2 * 0.2**2 + 2 * 0.6**2) / 2)


@given(st.integers(1, 40), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_any_logits_give_finite_scores(images, classes, seed):
    random = np.random.default_rng(seed)
    logits = random.normal(0, 50, (images, classes))
    labels = random.integers(0, classes, images)
    temperature = fit_temperature(logits, labels)
    assert 0 < temperature < np.inf
    measured = calibration_scores(logits, labels, temperature)
    for part in (measured["before"], measured["after"]):
        assert 0 <= part["ece_width"] <= 1
        assert 0 <= part["ece_mass"] <= 1
        assert 0 <= part["brier"] <= 2


@pytest.mark.parametrize("images", [150, 1500, 15000])
def test_right_probabilities_stay_below_the_error_of_chance_as_often_as_is_said(images):
    random = np.random.default_rng(images)
    below = 0
    for _ in range(200):
        chances = random.uniform(0.5, 1, images)
        wrong = (random.random(images) > chances).astype(int)
        logits = np.log(np.stack([chances, 1 - chances], axis=1))
        after = calibration_scores(logits, wrong, 1.0)["after"]
        below += after["ece_mass"] <= error_by_chance(after["bins"])
    assert 0.9 <= below / 200 <= 1
