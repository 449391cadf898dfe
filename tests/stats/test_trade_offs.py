from __future__ import annotations

import json

import numpy as np
import pytest

from zoo import BadInput
from zoo.stats.trade_offs import COVERAGE_POINTS, coverage_curve, decision_curve


def at(curve: dict, name: str, threshold: float) -> float:
    return curve[name][curve["threshold"].index(threshold)]


def test_decision_curve_by_hand():
    truth = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0]) == 1
    chances = np.array([0.9, 0.6, 0.15, 0.7, 0.3, 0.2, 0.1, 0.05, 0.05, 0.01])
    curve = decision_curve(truth, chances)
    assert at(curve, "model", 0.5) == pytest.approx(2 / 10 - 1 / 10)
    assert at(curve, "model", 0.2) == pytest.approx(2 / 10 - 3 / 10 / 4), "the threshold counts"
    assert at(curve, "model", 0.8) == pytest.approx(1 / 10)
    assert at(curve, "all", 0.5) == pytest.approx(0.3 - 0.7)
    assert at(curve, "all", 0.3) == pytest.approx(0, abs=1e-12), "zero at the prevalence"
    assert at(curve, "model", 0.01) == pytest.approx(at(curve, "all", 0.01))
    assert curve["prevalence"] == pytest.approx(0.3)


def test_the_published_cost_of_a_decision():
    # Vickers and Elkin: at a threshold of 20 % one found case is worth four needless actions.
    one_found_four_needless = np.repeat([True, False], [1, 4])
    curve = decision_curve(one_found_four_needless, np.full(5, 0.5))
    assert at(curve, "model", 0.2) == pytest.approx(0, abs=1e-12)


def test_agrees_with_counting_at_each_threshold():
    generator = np.random.default_rng(1)
    truth = generator.random(500) < 0.2
    chances = np.clip(0.2 + 0.3 * truth + generator.normal(0, 0.2, 500), 0, 1).round(2)
    curve = decision_curve(truth, chances)
    assert curve["threshold"] == pytest.approx([step / 100 for step in range(1, 100)])
    for threshold, found in zip(curve["threshold"], curve["model"], strict=True):
        acted = chances >= threshold
        expected = (acted & truth).sum() - (acted & ~truth).sum() * threshold / (1 - threshold)
        assert found == pytest.approx(expected / 500)
    json.dumps(curve, allow_nan=False)


def test_calibrated_probabilities_never_harm():
    generator = np.random.default_rng(2)
    chances = generator.beta(1, 3, 200_000)
    truth = generator.random(200_000) < chances
    curve = decision_curve(truth, chances)
    best = np.maximum(curve["all"], 0)
    assert (np.array(curve["model"]) >= best - 0.002).all()
    assert at(curve, "model", 0.3) > at(curve, "all", 0.3) + 0.05
    overconfident = decision_curve(truth, np.where(chances > 0.1, 0.99, 0.001))
    assert min(overconfident["model"]) < -0.5, "badly calibrated ones do"


def test_no_decision_curve_of_nothing():
    with pytest.raises(BadInput, match="no images"):
        decision_curve(np.zeros(0, bool), np.zeros(0))


def test_coverage_curve_by_hand():
    confidence = np.array([0.6, 0.9, 0.8, 0.7, 0.95])
    right = np.array([False, True, False, True, True])
    curve = coverage_curve(confidence, right)
    assert curve["coverage"] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert curve["accuracy"] == pytest.approx([1, 1, 2 / 3, 3 / 4, 3 / 5])
    assert curve["area"] == pytest.approx((0 + 0 + 1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert curve["at"] == pytest.approx({"0.8": 3 / 4, "0.9": 3 / 5, "0.95": 3 / 5, "1.0": 3 / 5})
    assert curve["images"] == 5


def test_equal_confidence_enters_together_in_any_order():
    confidence = np.array([0.9, 0.7, 0.7, 0.7, 0.5])
    right = np.array([True, True, False, False, True])
    curve = coverage_curve(confidence, right)
    assert curve["coverage"] == pytest.approx([0.2, 0.8, 1.0])
    assert curve["accuracy"] == pytest.approx([1, 0.5, 0.6])
    assert curve["area"] == pytest.approx(0.6 * 0.5 + 0.2 * 0.4)
    swapped = coverage_curve(confidence, right[[0, 3, 1, 2, 4]])
    assert swapped == curve


def test_a_mark_is_reached_at_its_own_coverage():
    right = np.arange(10) != 8  # 0.9 of the answers, ordered, hold the only wrong one
    curve = coverage_curve(-np.arange(10), right)
    assert curve["at"] == pytest.approx({"0.8": 1, "0.9": 8 / 9, "0.95": 0.9, "1.0": 0.9})


def test_area_agrees_with_the_mean_over_every_coverage():
    generator = np.random.default_rng(1)
    confidence, right = generator.random(700), generator.random(700) < 0.8
    wrong = ~right[np.argsort(-confidence)]
    expected = np.mean([wrong[:count].mean() for count in range(1, 701)])
    assert coverage_curve(confidence, right)["area"] == pytest.approx(expected)


def test_confidence_that_knows_beats_confidence_that_does_not():
    generator = np.random.default_rng(2)
    chances = generator.uniform(0.5, 1, 20_000)
    right = generator.random(20_000) < chances
    knowing = coverage_curve(chances, right)
    guessing = coverage_curve(generator.random(20_000), right)
    assert knowing["at"]["0.8"] == pytest.approx(0.8, abs=0.01)  # the mean of 0.6 to 1
    assert guessing["at"]["0.8"] == pytest.approx(0.75, abs=0.01)
    # The mean risk above coverage c is c / 4, so the area is 1 / 8; without knowledge it is 1 / 4.
    assert knowing["area"] == pytest.approx(1 / 8, abs=0.01)
    assert guessing["area"] == pytest.approx(1 / 4, abs=0.01)
    assert knowing["at"]["1.0"] == guessing["at"]["1.0"]


def test_curves_are_thinned_and_keep_their_end():
    curve = coverage_curve(np.random.default_rng(3).random(5000), np.arange(5000) % 4 > 0)
    assert len(curve["coverage"]) == len(curve["accuracy"]) == COVERAGE_POINTS
    assert curve["coverage"][-1] == 1
    assert curve["accuracy"][-1] == 0.75
    json.dumps(curve, allow_nan=False)


def test_no_coverage_curve_of_nothing():
    with pytest.raises(BadInput, match="no answers"):
        coverage_curve(np.zeros(0), np.zeros(0, bool))
