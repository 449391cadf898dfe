from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2, norm

from zoo.stats.curves import areas
from zoo.stats.delong import (
    Statistic,
    average,
    difference,
    independent_pairs,
    influence,
    interval,
    mean,
    standard_error,
)
from zoo.stats.intervals import exact_bound
from zoo.stats.metrics import classification_metrics

# Albumin, total protein, K-G score and whether surgery helped, of 43 patients without missing
# values: DeLong, DeLong and Clarke-Pearson, 1988.
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1   3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1   3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0   4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1   2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1   2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""


def binormal(generator: np.random.Generator, separation: float, each: int) -> tuple:
    truth = np.repeat([False, True], each)
    return truth, generator.normal(size=2 * each) + separation * truth


def clustered(
    generator: np.random.Generator, separation: float, each: int, images: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of unit variance, 80 % of which the images of one patient share."""
    truth, shared = binormal(generator, 0, each)
    truth, shared = np.repeat(truth, images), np.repeat(shared, images)
    own = generator.normal(size=len(truth))
    scores = math.sqrt(0.8) * shared + math.sqrt(0.2) * own + separation * truth
    return truth, scores, np.repeat(np.arange(2 * each), images)


def expected_auc(separation: float) -> float:
    return float(norm.cdf(separation / math.sqrt(2)))


def by_pairs(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `(sets,)` AUCs and their covariance, comparing every positive with every negative."""
    kernel = scores[:, truth][:, :, None] - scores[:, ~truth][:, None, :]
    won = (kernel > 0) + 0.5 * (kernel == 0)
    of_positives, of_negatives = won.mean(axis=2), won.mean(axis=1)
    covariance = np.cov(of_positives) / truth.sum() + np.cov(of_negatives) / (~truth).sum()
    return won.mean(axis=(1, 2)), covariance


def test_the_example_of_delong_1988():
    table = np.array(OVARIAN.split(), float).reshape(-1, 4)
    truth, patients = table[:, 3] == 1, np.arange(len(table))
    albumin, protein, score = (
        influence(truth, column) for column in (table[:, 0], table[:, 1], -table[:, 2])
    )
    # The areas and standard errors that PROC LOGISTIC's ROCCONTRAST publishes for these data.
    for (value, moved), published in (
        (albumin, (0.7366, 0.0927)),
        (protein, (0.6478, 0.1000)),
        (score, (0.7258, 0.1028)),
    ):
        found = (value, standard_error(moved, patients))
        assert found == pytest.approx(published, abs=5e-5)
    for other, published in (
        (albumin, (0.0108, -0.1761, 0.1976, 0.9102)),
        (protein, (-0.0780, -0.2830, 0.1271, 0.4561)),
    ):
        found = difference(*other, *score, patients)
        assert (found.value, found.low, found.high, found.p) == pytest.approx(published, abs=5e-5)
    # All three at once: chi-square 2.5340 with 2 degrees of freedom, p 0.2817.
    contrast = np.array([albumin[1] - score[1], protein[1] - score[1]])
    gaps = np.array([albumin[0] - score[0], protein[0] - score[0]])
    statistic = gaps @ np.linalg.solve(contrast @ contrast.T, gaps)
    assert statistic == pytest.approx(2.5340, abs=5e-5)
    assert chi2.sf(statistic, 2) == pytest.approx(0.2817, abs=5e-5)


@pytest.mark.parametrize("decimals", [1, 8])
def test_agrees_with_every_pair_compared(decimals):
    generator = np.random.default_rng(3)
    truth = generator.random(90) < 0.3
    scores = generator.normal(size=(3, 90)) + truth + generator.normal(size=90)
    scores = scores.round(decimals)  # 1: with many ties
    aucs, covariance = by_pairs(truth, scores)
    found = [influence(truth, row) for row in scores]
    moved = np.array([row for _, row in found])
    assert [value for value, _ in found] == pytest.approx(list(aucs))
    np.testing.assert_allclose(moved @ moved.T, covariance, rtol=1e-10)
    assert found[0][0] == pytest.approx(areas(truth, scores[0], np.ones((1, 90)))[0, 0])

    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    compared = difference(*found[0], *found[1], np.arange(90))
    assert compared.p == pytest.approx(2 * norm.sf(abs(aucs[0] - aucs[1]) / error))
    assert compared.high - compared.low == pytest.approx(2 * norm.ppf(0.975) * error)


def test_copies_of_an_image_add_nothing_to_what_a_patient_says():
    generator = np.random.default_rng(4)
    truth, scores = binormal(generator, 1, 30)
    once = standard_error(influence(truth, scores)[1], np.arange(60).astype(str))
    _, copied = influence(np.repeat(truth, 5), np.repeat(scores, 5))
    patients = np.repeat(np.arange(60), 5).astype(str)
    # Not exactly: the factor m / (m - 1) sees five times as many images.
    assert standard_error(copied, patients) == pytest.approx(once, rel=0.02)
    assert standard_error(copied, np.arange(300)) < 0.5 * once


@pytest.mark.parametrize("separation", [0.5, 2.0])
def test_interval_has_nominal_coverage(separation):
    generator = np.random.default_rng(5)
    patients, truth_value, covered = np.arange(120), expected_auc(separation), 0
    for _ in range(1200):
        low, high = interval(*influence(*binormal(generator, separation, 60)), patients)
        covered += low <= truth_value <= high
    assert 0.93 <= covered / 1200 <= 0.97  # three standard errors of the simulation are 0.019


def test_only_the_clustered_interval_covers_clustered_data():
    generator = np.random.default_rng(6)
    covered = np.zeros(2)
    for _ in range(1000):
        truth, scores, patients = clustered(generator, 1.0, each=50, images=4)
        value, moved = influence(truth, scores)
        for place, unit in enumerate((patients, np.arange(len(truth)))):
            low, high = interval(value, moved, unit)
            covered[place] += low <= expected_auc(1.0) <= high
    by_patient, by_image = covered / 1000
    assert 0.925 <= by_patient <= 0.975
    assert by_image < 0.80


def test_equally_good_scores_differ_in_one_test_of_twenty():
    generator = np.random.default_rng(7)
    patients, false_alarms, found = np.arange(160), 0, 0
    for _ in range(1200):
        truth, shared = binormal(generator, 1.5, 80)
        one, other = shared + generator.normal(0, 0.7, (2, 160))
        better = other + 0.5 * truth
        first = influence(truth, one)
        false_alarms += difference(*first, *influence(truth, other), patients).p < 0.05
        found += difference(*first, *influence(truth, better), patients).p < 0.05
    assert 0.033 <= false_alarms / 1200 <= 0.067
    assert found / 1200 > 0.5, "the test finds a difference that exists"


def test_a_share_has_the_standard_error_of_a_mean():
    generator = np.random.default_rng(13)
    held, among = generator.random(200) < 0.8, generator.random(200) < 0.5
    value, moved = mean(held, among)
    chosen = held[among]
    assert value == chosen.mean()
    expected = chosen.std(ddof=1) / math.sqrt(len(chosen))
    assert standard_error(moved, np.arange(200)) == pytest.approx(expected)
    undefined, still = mean(held, np.zeros(200, bool))
    assert math.isnan(undefined)
    assert not still.any()


def test_averaged_influences_give_the_spread_of_cross_validation():
    generator = np.random.default_rng(8)
    values, errors, covered = [], [], 0
    for _ in range(300):
        truth, shared = binormal(generator, 1.2, 50)
        cells = []
        for _ in range(2):  # two seeds score the same images differently
            scores = shared + generator.normal(0, 0.5, 100)
            for places in np.array_split(generator.permutation(100), 5):
                value, moved = influence(truth[places], scores[places])
                cells.append((value, moved, places))
        value, moved = average(cells, 100)
        values.append(value)
        errors.append(standard_error(moved, np.arange(100)))
        low, high = interval(value, moved, np.arange(100))
        covered += low <= expected_auc(1.2 / math.sqrt(1.25)) <= high
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.1)
    assert 0.91 <= covered / 300 <= 0.99


def test_averaging_is_the_identity_for_one_cell():
    truth, scores = binormal(np.random.default_rng(9), 1, 20)
    value, moved = influence(truth, scores)
    same, kept = average([(value, moved, np.arange(40))] * 3, 40)
    assert same == pytest.approx(value)
    np.testing.assert_allclose(kept, moved)


def test_bootstrap_interval_of_the_evaluation_covers_clustered_data():
    generator = np.random.default_rng(10)
    truth_value, covered = expected_auc(1.0), 0
    for _ in range(100):
        truth, scores, patients = clustered(generator, 1.0, each=40, images=3)
        chances = norm.cdf(scores)
        columns = np.stack([1 - chances, chances], axis=1)
        result = classification_metrics(
            truth.astype(int), columns, patients.astype(str), ("n", "p"), 1, resamples=200
        )
        entry = result["metrics"]["roc_auc"]
        covered += entry["low"] <= truth_value <= entry["high"]
    # A simulation of 100 knows the coverage to 4.4 points (two standard errors), and a percentile
    # bootstrap of 80 patients falls a point or two short.
    assert 0.88 <= covered / 100 <= 0.99


def test_a_perfect_score_is_not_shown_as_certain():
    truth = np.repeat([False, True], [30, 10])
    value, moved = influence(truth, truth.astype(float))
    patients = np.repeat(np.arange(20), 2).astype(str)
    assert value == 1
    assert not moved.any()
    pairs = independent_pairs(truth, patients)
    assert pairs == 5, "patients of the smaller class"
    assert interval(value, moved, patients, pairs) == exact_bound(1.0, 5)
    assert interval(value, moved, patients) == exact_bound(1.0, 1), "the most careful one"
    assert interval(0.0, moved, patients, pairs) == exact_bound(0.0, 5)


def test_a_patient_takes_part_in_one_pair_only():
    truth = np.array([True, False, True, False, True])
    assert independent_pairs(truth, ["a", "a", "b", "b", "c"]) == 1
    assert independent_pairs(truth, ["a", "b", "c", "d", "e"]) == 2
    assert independent_pairs(truth, ["a"] * 5) == 0


def test_the_bound_of_a_perfect_score_covers():
    generator = np.random.default_rng(11)
    truth_value = expected_auc(3.2)
    perfect, covered = 0, 0
    for _ in range(1000):
        truth, scores = binormal(generator, 3.2, 15)
        value, moved = influence(truth, scores)
        low, high = interval(value, moved, np.arange(30), 15)
        perfect += value == 1
        covered += low <= truth_value <= high
    assert perfect > 100, "the simulation reaches the perfect score"
    assert covered / 1000 >= 0.93


def test_nothing_is_learned_from_one_patient_or_no_spread():
    truth = np.array([True, False, True, False])
    value, moved = influence(truth, np.array([0.9, 0.2, 0.1, 0.3]))
    assert np.isnan(interval(value, moved, ["a"] * 4)).all()
    constant = influence(truth, np.full(4, 0.5))
    assert constant[0] == 0.5
    assert np.isnan(interval(*constant, ["a", "b", "c", "d"])).all()
    assert Statistic(*constant).within(["a", "b", "c", "d"]) == {
        "value": 0.5,
        "low": None,
        "high": None,
    }
    low, high = interval(*influence(truth[:3], np.array([0.9, 0.2, 0.1])), ["a", "b", "c"])
    assert 0 < low < 0.5 < high < 1, "a single negative image"


def test_differences_without_variation():
    truth, scores = binormal(np.random.default_rng(12), 1, 20)
    found = influence(truth, scores)
    people = np.arange(40)
    same = difference(*found, *influence(truth, np.exp(scores)), people)
    assert (same.value, same.p) == (pytest.approx(0), 1)
    assert np.isnan([same.low, same.high]).all(), "no interval of no width"
    perfect = influence(truth, truth.astype(float))
    constant = influence(truth, np.zeros(40))
    untested = difference(*perfect, *constant, people)
    assert (untested.value, untested.p) == (0.5, 1)
    assert np.isnan([untested.low, untested.high]).all()


def test_one_class_only_is_undefined():
    value, moved = influence(np.ones(3, bool), np.array([0.1, 0.5, 0.9]))
    assert math.isnan(value)
    assert not moved.any()
    assert np.isnan(interval(value, moved, ["a", "b", "c"])).all()
    assert math.isnan(difference(value, moved, 0.5, moved, ["a", "b", "c"]).p)
