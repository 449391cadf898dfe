from __future__ import annotations

from math import comb

import numpy as np
import pytest
from scipy.stats import binom

from zoo.stats.paired import holm, mcnemar


def answers(both: int, only_a: int, only_b: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = (both, only_a, only_b, neither)
    return np.repeat([1, 1, 0, 0], counts) == 1, np.repeat([1, 0, 1, 0], counts) == 1


def by_definition(only_a: int, only_b: int) -> float:
    """Add up the chances of all outcomes that are at least as far from even."""
    number = only_a + only_b
    tail = sum(comb(number, count) for count in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / 2**number)


def test_counts_each_kind_of_disagreement():
    right_a, right_b = answers(both=40, only_a=9, only_b=2, neither=5)
    only_a, only_b, p = mcnemar(right_a, right_b)
    assert (only_a, only_b) == (9, 2)
    assert p == pytest.approx(2 * (1 + 11 + 55) / 2**11)
    assert mcnemar(right_b, right_a) == (2, 9, p)


def test_the_textbook_example_of_a_drugs_effect():
    # 314 people before and after treatment: 121 got rid of the disease and 59 caught it.
    only_a, only_b, p = mcnemar(*answers(101, 121, 59, 33))
    assert (only_a, only_b) == (121, 59)
    # Published with McNemar's chi-square, 21.35, and p < 0.001.
    assert (only_a - only_b) ** 2 / (only_a + only_b) == pytest.approx(21.35, abs=0.01)
    assert p == pytest.approx(2 * binom.cdf(59, 180, 0.5))
    assert p < 0.001


def test_six_to_none_is_significant_and_five_to_none_is_not():
    assert mcnemar(*answers(10, 5, 0, 3))[2] == pytest.approx(0.0625)
    assert mcnemar(*answers(10, 6, 0, 3))[2] == pytest.approx(0.03125)


@pytest.mark.parametrize("only_a", range(6))
@pytest.mark.parametrize("only_b", [1, 4, 13])
def test_agrees_with_the_sum_of_binomial_chances(only_a, only_b):
    assert mcnemar(*answers(3, only_a, only_b, 2))[2] == pytest.approx(
        by_definition(only_a, only_b)
    )


def test_no_disagreement_is_no_difference():
    assert mcnemar(*answers(7, 0, 0, 1)) == (0, 0, 1.0)
    assert mcnemar(np.zeros(0, bool), np.zeros(0, bool)) == (0, 0, 1.0)


def test_false_alarms_stay_below_one_in_twenty():
    generator = np.random.default_rng(1)
    right = generator.random((2, 1000, 60)) < 0.8
    alarms = sum(mcnemar(a, b)[2] < 0.05 for a, b in zip(*right, strict=True))
    assert 0 < alarms <= 60  # an exact test is conservative


def test_holm_by_hand():
    # 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04 is raised to the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


def test_holm_rejects_what_the_sequential_procedure_rejects():
    generator = np.random.default_rng(2)
    for _ in range(200):
        p_values = generator.beta(0.3, 3, generator.integers(1, 9))
        rejected = np.zeros(len(p_values), bool)
        for step, place in enumerate(np.argsort(p_values)):
            if p_values[place] > 0.05 / (len(p_values) - step):
                break
            rejected[place] = True
        assert [p <= 0.05 for p in holm(list(p_values))] == list(rejected)


def test_holm_keeps_the_chance_of_any_false_alarm():
    generator = np.random.default_rng(3)
    chances = generator.random((4000, 6))  # six true null hypotheses
    alarms = np.mean([min(holm(row)) < 0.05 for row in chances])
    assert 0.038 <= alarms <= 0.062
