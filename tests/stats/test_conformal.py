from __future__ import annotations

import numpy as np
import pytest

from zoo.base.errors import InvalidSetting
from zoo.stats.conformal import limits, sets
from zoo.stats.probabilities import softmax


def drawn(random: np.random.Generator, chances: list[float], images: int, spread: float = 1.5):
    """Labels by `chances`, and the probabilities that a classifier of some skill gives."""
    labels = random.choice(len(chances), images, p=chances)
    logits = random.normal(0, 1, (images, len(chances)))
    logits[np.arange(images), labels] += spread
    return softmax(logits), labels


def test_limits_are_the_order_statistics_that_the_correction_asks_for():
    scores = np.arange(1, 20) / 100  # 19 cases: (19 + 1) * 0.9 = 18, (19 + 1) * 0.95 = 19
    probabilities = np.stack([1 - scores, scores], axis=1)
    labels = np.zeros(19, int)
    assert limits(probabilities, labels, 0.9)[0] == pytest.approx(0.18)
    assert limits(probabilities, labels, 0.95)[0] == pytest.approx(0.19)


@pytest.mark.parametrize("cases", [19, 39, 59, 99, 199, 419, 1019])
def test_floating_point_moves_no_limit_by_a_rank(cases):
    scores = np.arange(1, cases + 1) / (cases + 1)
    probabilities = np.stack([1 - scores, scores], axis=1)
    for percent in (80, 85, 90, 95):
        if (cases + 1) * percent % 100 == 0:
            limit = limits(probabilities, np.zeros(cases, int), percent / 100)[0]
            assert limit == pytest.approx(percent / 100)


def test_a_class_with_too_few_cases_is_never_excluded():
    probabilities = np.array([[0.9, 0.1]] * 19 + [[0.2, 0.8]] * 18)
    found = limits(probabilities, np.array([0] * 19 + [1] * 18), 0.95)
    assert found == (pytest.approx(0.1), 1.0)
    assert sets(np.array([[1.0, 0.0]]), found).tolist() == [[True, True]]


@pytest.mark.parametrize("views", [2, 4])
def test_several_views_of_a_case_are_not_several_cases(views):
    random = np.random.default_rng(0)
    for cases in (5, 18, 19, 47):
        probabilities, labels = drawn(random, [0.5, 0.5], cases)
        once = limits(probabilities, labels)
        assert (
            limits(probabilities.repeat(views, axis=0), labels.repeat(views), views=views) == once
        )
        assert (once == (1.0, 1.0)) == (cases < 38)  # of 18 or fewer of a class none is excluded


def test_all_views_of_a_case_count_for_the_limit():
    plain = np.stack([np.full(40, 0.9), np.full(40, 0.1)], axis=1)
    stressed = np.stack([np.linspace(0.3, 0.9, 40), np.linspace(0.7, 0.1, 40)], axis=1)
    both, labels = np.concatenate([plain, stressed]), np.zeros(80, int)
    found = limits(both, labels, views=2)[0]
    assert limits(plain, labels[:40])[0] < found < limits(stressed, labels[:40])[0]


@pytest.mark.parametrize("chances", [[0.5, 0.5], [0.9, 0.1], [0.2, 0.3, 0.5]])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_each_class_is_covered_as_promised_whatever_its_share(chances, confidence):
    random = np.random.default_rng(0)
    covered: list[list[float]] = [[] for _ in chances]
    for _ in range(200):
        calibration, labels = drawn(random, chances, 400)
        later, truths = drawn(random, chances, 1000)
        possible = sets(later, limits(calibration, labels, confidence))
        held = possible[np.arange(len(truths)), truths]
        for index, rates in enumerate(covered):
            rates.append(held[truths == index].mean())
    for index, rates in enumerate(covered):
        least = 400 * chances[index] * 0.6  # cases of the class, with room for chance
        assert confidence - 0.01 <= np.mean(rates) <= confidence + 1 / least + 0.01


def test_one_limit_for_all_classes_would_fail_the_rare_one():
    random = np.random.default_rng(1)
    calibration, labels = drawn(random, [0.95, 0.05], 4000)
    calibration = calibration * [1, 0.3]  # a classifier that leans to the common class
    calibration /= calibration.sum(axis=1, keepdims=True)
    by_class = limits(calibration, labels, 0.9)
    shared = limits(calibration[np.arange(len(labels)), labels][:, None], labels * 0, 0.9) * 2

    def covered(chosen: tuple[float, ...]) -> float:
        return sets(calibration, chosen)[labels == 1, 1].mean()

    assert covered(shared) < 0.5
    assert covered(by_class) == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.95])
def test_sets_agree_with_crepes(confidence):
    from crepes import ConformalClassifier

    random = np.random.default_rng(2)
    calibration, labels = drawn(random, [0.2, 0.3, 0.5], 333)
    later, _ = drawn(random, [0.2, 0.3, 0.5], 500)
    theirs = ConformalClassifier()
    theirs.fit(1 - calibration[np.arange(333), labels], bins=labels)
    expected = [
        theirs.predict_set(
            1 - later[:, [index]], np.full(500, index), confidence=confidence, smoothing=False
        )
        for index in range(3)
    ]
    possible = sets(later, limits(calibration, labels, confidence))
    assert (possible == np.concatenate(expected, axis=1).astype(bool)).all()
    assert len(set(possible.sum(axis=1))) > 1  # sets of different sizes were compared


def test_limits_survive_json_as_they_are():
    import json

    probabilities, labels = drawn(np.random.default_rng(3), [0.5, 0.5], 100)
    probabilities = probabilities.astype(np.float32)
    found = limits(probabilities, labels)
    assert json.loads(json.dumps(found)) == list(found)
    own = probabilities[np.arange(100), labels]
    for index in range(2):  # the case that is the limit is within it, in 32 bits too
        inside = sets(probabilities, found)[labels == index, index]
        assert inside.sum() == (1 - own[labels == index] <= found[index]).sum()
        assert inside.sum() == np.ceil((len(inside) + 1) * 0.95)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_that_is_no_share_is_refused(confidence):
    with pytest.raises(InvalidSetting, match="between 0 and 1"):
        limits(np.array([[0.5, 0.5]]), np.array([0]), confidence)
