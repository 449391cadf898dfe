from __future__ import annotations

import json
import time

import numpy as np
import pytest
from scipy.stats import norm

from zoo import BadInput, InvalidSetting
from zoo.stats.intervals import exact_bound, patient_rows, resample
from zoo.stats.metrics import classification_metrics
from zoo.stats.operating import choose_threshold, describe_threshold


def people(images: int, each: int = 1) -> np.ndarray:
    return np.array([f"patient {place // each}" for place in range(images)])


def sample(generator: np.random.Generator, images: int) -> tuple[np.ndarray, np.ndarray]:
    truth = generator.random(images) < 0.4
    scores = norm.cdf(generator.normal(size=images) + 1.5 * truth - 0.75)
    return truth, scores


def by_trying(
    truth: np.ndarray, scores: np.ndarray, weights: np.ndarray, target: float | None
) -> float:
    """Try every cut between the scores that have weight, as one would by hand."""
    truth, scores = np.repeat(truth, weights), np.repeat(scores, weights)
    levels = np.unique(scores)
    tried = []
    for threshold in (np.r_[0, levels[:-1]] + levels) / 2:
        called = scores >= threshold
        hit, alarm = called[truth].mean(), called[~truth].mean()
        tried.append((round(hit - alarm, 12), -abs(threshold - 0.5), -threshold, hit))
    if target is not None:
        return max(-entry[2] for entry in tried if entry[3] >= target - 1e-9)
    return -max(tried)[2]


def test_youden_by_hand():
    truth = np.array([0, 0, 0, 1, 0, 1, 1, 1]) == 1
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    point = choose_threshold(truth, scores, people(8))
    # From 0.35 up: 4 of 4 found, 1 false alarm of 4. From 0.55 up: 3 of 4, none. Both J are 0.75.
    assert point["threshold"] == pytest.approx(0.55), "of two equal ones the nearer to 0.5"
    assert point["sensitivity"]["value"] == 0.75
    assert point["specificity"]["value"] == 1
    assert (point["rule"], point["target"]) == ("youden", None)
    assert (point["images"], point["patients"]) == (8, 8)


@pytest.mark.parametrize(
    ("target", "threshold"), [(0.25, 0.75), (0.5, 0.65), (0.55, 0.55), (0.76, 0.35), (1, 0.35)]
)
def test_the_highest_threshold_that_reaches_a_sensitivity(target, threshold):
    truth = np.array([0, 0, 0, 1, 0, 1, 1, 1]) == 1
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    point = choose_threshold(truth, scores, people(8), target)
    assert point["threshold"] == pytest.approx(threshold)
    assert point["sensitivity"]["value"] >= target
    assert (point["rule"], point["target"]) == ("sensitivity", target)


def test_a_share_that_floats_cannot_hold_is_reached():
    truth = np.repeat([False, True], [5, 25])
    scores = np.r_[np.full(5, 0.01), np.linspace(0.1, 0.9, 25)]
    assert 0.56 * 25 > 14, "the reason for the test"
    assert choose_threshold(truth, scores, people(30), 0.56)["sensitivity"]["value"] == 14 / 25


@pytest.mark.parametrize("target", [None, 0.9])
@pytest.mark.parametrize("decimals", [1, 8])
def test_every_resample_is_chosen_as_by_trying_all_cuts(target, decimals):
    truth, scores = sample(np.random.default_rng(1), 60)
    scores, patients = scores.round(decimals), people(60, each=2)
    point = choose_threshold(truth, scores, patients, target, resamples=40, seed=3)
    assert point["threshold"] == pytest.approx(by_trying(truth, scores, np.ones(60, int), target))
    rows, number = patient_rows(patients)
    again = [
        by_trying(truth, scores, counts[rows].astype(int), target)
        for counts in resample(number, 40, 3)
    ]
    low, high = np.quantile(again, [0.025, 0.975])
    assert (point["low"], point["high"]) == pytest.approx((low, high))


def test_rates_and_intervals_are_those_of_the_evaluation():
    truth, scores = sample(np.random.default_rng(2), 200)
    point = choose_threshold(truth, scores, people(200, each=2), 0.9, seed=5)
    result = classification_metrics(
        truth.astype(int),
        np.stack([1 - scores, scores], axis=1),
        people(200, each=2),
        ("NORMAL", "PNEUMONIA"),
        1,
        threshold=point["threshold"],
        seed=5,
    )
    for name in ("sensitivity", "specificity"):
        expected = {key: result["metrics"][name][key] for key in ("value", "low", "high")}
        assert point[name] == pytest.approx(expected)


def test_finds_the_best_threshold_of_known_distributions():
    generator = np.random.default_rng(4)
    truth = np.repeat([False, True], 20_000)
    values = generator.normal(size=40_000) + 2 * truth
    scores = 1 / (1 + np.exp(-(2 * values - 2)))  # Bayes' rule for two equally frequent classes
    point = choose_threshold(truth, scores, people(40_000), resamples=20)
    assert point["threshold"] == pytest.approx(0.5, abs=0.05)  # where the densities cross
    assert point["sensitivity"]["value"] == pytest.approx(norm.cdf(1), abs=0.02)


def test_the_interval_of_the_threshold_narrows_with_more_patients():
    widths = []
    for images in (100, 1600):
        truth, scores = sample(np.random.default_rng(6), images)
        point = choose_threshold(truth, scores, people(images), 0.9)
        widths.append(point["high"] - point["low"])
        assert point["low"] <= point["threshold"] <= point["high"]
    assert widths[1] < 0.6 * widths[0]


def test_separated_classes_are_not_shown_as_certain():
    truth = np.repeat([False, True], 10)
    scores = np.where(truth, 0.8, 0.1)
    point = choose_threshold(truth, scores, people(20, each=2))
    assert point["threshold"] == pytest.approx(0.45)
    assert (point["low"], point["high"]) == (None, None)
    low, _ = exact_bound(1.0, 5)
    assert point["sensitivity"] == {"value": 1.0, "low": pytest.approx(low), "high": 1.0}
    assert point["specificity"] == point["sensitivity"]


def test_scores_that_say_nothing_call_everything_positive():
    point = choose_threshold(np.array([True, False]), np.full(2, 0.6), ["a", "b"])
    assert point["threshold"] == pytest.approx(0.3)
    assert (point["sensitivity"]["value"], point["specificity"]["value"]) == (1, 0)
    assert choose_threshold(np.array([True, False]), np.zeros(2), ["a", "b"])["threshold"] == 0


def test_adjacent_floats_are_still_divided():
    upper = 0.5
    lower = np.nextafter(upper, 0)
    for low, high in ((lower, upper), (np.nextafter(lower, 0), lower)):
        point = choose_threshold(np.array([False, True]), np.array([low, high]), ["a", "b"])
        assert low < point["threshold"] <= high


def test_the_result_is_plain_data_and_repeats():
    truth, scores = sample(np.random.default_rng(7), 30)
    first = choose_threshold(truth, scores, people(30), 0.8, resamples=50, seed=1)
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    assert first == choose_threshold(truth, scores, people(30), 0.8, resamples=50, seed=1)


def test_the_sentence_names_rule_threshold_and_rates():
    share = {"value": 0.957, "low": 0.941, "high": 0.979}
    point = {
        "rule": "youden",
        "target": None,
        "threshold": 0.412,
        "low": 0.331,
        "high": 0.554,
        "sensitivity": share,
        "specificity": {"value": 1.0, "low": 0.995, "high": 1.0},
    }
    assert describe_threshold(point, "PNEUMONIA") == (
        "PNEUMONIA is called from a probability of 0.41 up (0.33-0.55): the threshold with the "
        "greatest Youden index on the validation part, where sensitivity is 0.96 (0.94-0.98) and "
        "specificity 1.00 (0.995-1.00)."
    )
    asked = point | {"rule": "sensitivity", "target": 0.95, "threshold": 0.0031, "low": None}
    assert describe_threshold(asked, "PNEUMONIA").startswith(
        "PNEUMONIA is called from a probability of 0.0031 up: the highest threshold with a "
        "sensitivity of 0.95 on the validation part, where"
    )


def test_thousand_images_in_four_seconds():
    truth, scores = sample(np.random.default_rng(8), 1000)
    started = time.process_time()
    choose_threshold(truth, scores, people(1000, each=2))
    assert time.process_time() - started < 4


@pytest.mark.parametrize("target", [0, -0.1, 1.01, float("nan")])
def test_refuses_a_sensitivity_that_is_no_share(target):
    with pytest.raises(InvalidSetting, match="above 0 and at most 1"):
        choose_threshold(np.array([True, False]), np.array([0.1, 0.2]), ["a", "b"], target)


def test_refuses_what_no_threshold_can_be_chosen_on():
    with pytest.raises(BadInput, match="both classes"):
        choose_threshold(np.ones(3, bool), np.full(3, 0.5), ["a", "b", "c"])
    with pytest.raises(ValueError, match="scores"):
        choose_threshold(np.array([True, False]), np.array([0.1, 1.2]), ["a", "b"])
    with pytest.raises(ValueError, match="patients"):
        choose_threshold(np.array([True, False]), np.array([0.1, 0.2]), ["a"])
