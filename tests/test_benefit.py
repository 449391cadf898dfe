from __future__ import annotations

import json

import numpy as np
import pytest

from zoo.benefit import decision_curve
from zoo.errors import BadInput


def at(curve: dict, name: str, threshold: float) -> float:
    return curve[name][curve["threshold"].index(threshold)]


def test_by_hand():
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


def test_refuses_nothing():
    with pytest.raises(BadInput, match="no images"):
        decision_curve(np.zeros(0, bool), np.zeros(0))
