from __future__ import annotations

import numpy as np
import pytest

from zoo.base.errors import InvalidSetting
from zoo.stats.calibration import calibration_error
from zoo.stats.prevalence import correct, stated_shares

MEANS = np.array([0.0, 1.5, 3.0])


def place_with(shares: list[float], images: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels with these shares and one Gaussian value for each image."""
    generator = np.random.default_rng(0)
    labels = generator.choice(len(shares), images, p=shares)
    return labels, MEANS[labels] + generator.normal(size=images)


def posterior(values: np.ndarray, shares: list[float]) -> np.ndarray:
    """Bayes' rule with the densities that the values were drawn from."""
    weighed = np.exp(-((values[:, None] - MEANS[: len(shares)]) ** 2) / 2) * np.array(shares)
    return weighed / weighed.sum(axis=1, keepdims=True)


def miscalibration(probabilities: np.ndarray, labels: np.ndarray) -> float:
    edges = np.linspace(0, 1, 16)
    return max(
        calibration_error(probabilities[:, index], labels == index, edges)
        for index in range(probabilities.shape[1])
    )


def test_by_hand():
    # A probability of 0.8 where half are ill is odds of 4; where one in ten is ill, 4 / 9.
    corrected = correct(np.array([[0.2, 0.8]]), [0.5, 0.5], [0.9, 0.1])
    np.testing.assert_allclose(corrected, [[9 / 13, 4 / 13]])


@pytest.mark.parametrize("shares", [[0.95, 0.05], [0.7, 0.1, 0.2]])
def test_calibration_is_restored_in_a_place_with_other_shares(shares):
    trained = [1 / len(shares)] * len(shares)
    labels, values = place_with(shares, 60_000)
    believed = posterior(values, trained)
    corrected = correct(believed, trained, shares)
    np.testing.assert_allclose(corrected, posterior(values, shares), atol=1e-12)
    assert miscalibration(believed, labels) > 0.1
    assert miscalibration(corrected, labels) < 0.01


def test_two_classes_keep_their_order():
    _, values = place_with([0.5, 0.5], 1000)
    believed = posterior(values, [0.5, 0.5])
    corrected = correct(believed, [0.5, 0.5], [0.99, 0.01])
    np.testing.assert_array_equal(np.argsort(believed[:, 1]), np.argsort(corrected[:, 1]))
    assert (corrected[:, 1] < believed[:, 1]).all()


def test_equal_shares_change_nothing_and_the_way_back_is_exact():
    believed = np.random.default_rng(1).dirichlet(np.ones(3), 50)
    there = correct(believed, [20, 30, 50], [0.6, 0.3, 0.1])
    np.testing.assert_allclose(correct(there, [0.6, 0.3, 0.1], [0.2, 0.3, 0.5]), believed)
    np.testing.assert_allclose(correct(believed, [2, 3, 5], [0.2, 0.3, 0.5]), believed)


def test_certain_answers_stay_certain():
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(correct(certain, [0.5, 0.5], [0.999, 0.001]), certain)


def test_the_other_classes_keep_their_proportions():
    assert stated_shares(0.1, 1, [0.25, 0.75]) == pytest.approx([0.9, 0.1])
    assert stated_shares(0.4, 0, [0.5, 0.2, 0.3]) == pytest.approx([0.4, 0.24, 0.36])
    assert stated_shares(0.4, 2, [200, 600, 50]) == pytest.approx([0.15, 0.45, 0.4])


@pytest.mark.parametrize("prevalence", [0, 1, -0.2, 10, float("nan")])
def test_refuses_a_prevalence_that_is_no_share(prevalence):
    with pytest.raises(InvalidSetting, match="above 0 and below 1"):
        stated_shares(prevalence, 1, [0.5, 0.5])


def test_refuses_shares_that_do_not_fit():
    believed = np.array([[0.2, 0.8]])
    with pytest.raises(InvalidSetting, match="trained class shares"):
        correct(believed, [0, 1], [0.5, 0.5])
    with pytest.raises(InvalidSetting, match="stated class shares"):
        correct(believed, [0.5, 0.5], [1, 0])
    with pytest.raises(ValueError, match="2 classes"):
        correct(believed, [0.5, 0.5], [0.3, 0.3, 0.4])
