from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from zoo.base.recipe import Recipe
from zoo.stats.alarms import (
    Alarm,
    Conditions,
    collapsed,
    constant_features,
    exactly,
    feature_spread,
    gaps,
)

NAMES = ("NORMAL", "PNEUMONIA")


WHOLE = Conditions(asdict(Recipe()), {"dropout": 0.2}, ["network"])


def conditions(*phases: str, options: dict | None = None, **changes: object) -> Conditions:
    return Conditions(asdict(Recipe(**changes)), options or {}, phases)  # type: ignore[arg-type]


def answers(diseased: int, images: int = 200) -> np.ndarray:
    return (np.arange(images) < diseased).astype(int)


def test_always_the_same_answer_is_a_collapse() -> None:
    labels = np.arange(200) % 2
    (alarm,) = collapsed(answers(200), labels, NAMES, "test", WHOLE)
    assert alarm.kind == "collapse"
    assert "100 % of the test images are called PNEUMONIA" in alarm.message
    assert collapsed(answers(198), labels, NAMES, "test", WHOLE)  # 99 %
    assert collapsed(answers(1), labels, NAMES, "test", WHOLE)  # 99.5 %
    assert not collapsed(answers(197), labels, NAMES, "test", WHOLE)
    assert not collapsed(answers(4), labels, NAMES, "test", WHOLE)  # 98 %


def test_the_same_answer_is_right_when_all_labels_are_alike() -> None:
    assert not collapsed(answers(0), np.zeros(200, int), NAMES, "test", WHOLE)
    assert not collapsed(answers(0), answers(2), NAMES, "test", WHOLE), "99 % of the labels"
    assert collapsed(answers(0), answers(3), NAMES, "test", WHOLE)


@pytest.mark.parametrize(
    ("given", "told", "untold"),
    [
        (WHOLE, ["frozen backbone", "fewer weights", "more dropout (now 0.2)"], ["views", "off"]),
        (conditions("head"), ["views of each image (now 2)"], ["frozen", "dropout", "fine_tune"]),
        (conditions("head", augmentation="none"), ["augmentation, which is off"], ["views"]),
        (
            conditions("head", "fine-tune", fine_tune_epochs=7),
            ["fewer fine_tune_epochs (now 7)"],
            ["frozen", "fewer weights"],
        ),
    ],
)
def test_remedies_of_overfitting_fit_the_run(
    given: Conditions, told: list[str], untold: list[str]
) -> None:
    (alarm,) = gaps(0.99, exactly(0.8), exactly(0.8), given)
    for words in told:
        assert words in alarm.remedy
    for words in untold:
        assert words not in alarm.remedy


@pytest.mark.parametrize(
    ("given", "told", "untold"),
    [
        (WHOLE, ["learning_rate (now 0.001)"], ["class_weights", "sensitivity", "fine_tune"]),
        (conditions("network", class_weights=False), ["turn class_weights on"], []),
        (conditions("network", sensitivity=0.99), ["less than a sensitivity of 0.99"], []),
        (conditions("head", "fine-tune"), ["fine_tune_learning_rate (now 1e-05)"], []),
    ],
)
def test_remedies_of_a_collapse_fit_the_run(
    given: Conditions, told: list[str], untold: list[str]
) -> None:
    (alarm,) = collapsed(answers(200), np.arange(200) % 2, NAMES, "test", given)
    for words in told:
        assert words in alarm.remedy
    for words in untold:
        assert words not in alarm.remedy


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"input_range": "0-1"}, ["--input-range, now 0-1", "--classes", "preprocessing"]),
        ({"members": ["a", "b"]}, ["runs that were joined", "zoo diagnose"]),
    ],
)
def test_no_training_is_advised_where_there_was_none(
    options: dict[str, Any], told: list[str]
) -> None:
    given = Conditions(asdict(Recipe()), options, ())
    (alarm,) = collapsed(answers(200), np.arange(200) % 2, NAMES, "test", given)
    assert all(words in alarm.remedy for words in told)
    (gap,) = gaps(0.99, exactly(0.8), exactly(0.8), given)
    assert "zoo evaluate --data" in gap.remedy
    for remedy in (alarm.remedy, gap.remedy):
        assert not re.search("learning|class_weights|weight_decay|augmentation|epochs", remedy)


def test_spread_is_relative_and_knows_constant_features() -> None:
    varied = np.random.default_rng(0).normal(0, 3, (500, 40))
    assert feature_spread(varied) == pytest.approx(np.sqrt(np.pi / 2), abs=0.05)
    assert feature_spread(varied * 100) == pytest.approx(feature_spread(varied))
    assert feature_spread(varied.reshape(500, 2, 4, 5)) == pytest.approx(feature_spread(varied))
    assert feature_spread(np.ones((5, 3))) == 0
    assert feature_spread(np.zeros((5, 3))) == 0


def test_constant_features_raise_the_alarm_about_scaling() -> None:
    random = np.random.default_rng(0)
    seeing = random.normal(1, 1, (100, 16))
    assert constant_features(seeing) == []
    (alarm,) = constant_features(5 + 0.01 * seeing)
    assert alarm.kind == "constant features"
    assert "255" in alarm.remedy
    (elsewhere,) = constant_features(5 + 0.01 * seeing, "0-1")
    assert elsewhere.message.endswith("when it is fed 0-1.")
    assert "--input-range" in elsewhere.remedy


@pytest.mark.parametrize(
    ("areas", "kinds"),
    [
        ((0.99, 0.97, 0.96), []),
        ((0.99, 0.90, 0.90), ["overfitting"]),
        ((0.95, 0.95, 0.80), ["shift"]),
        ((1.00, 0.90, 0.70), ["overfitting", "shift"]),
        ((0.70, 0.90, 0.95), []),
        ((None, None, None), []),
        ((0.99, None, 0.5), []),
    ],
)
def test_gaps_between_the_parts(areas: tuple[float | None, ...], kinds: list[str]) -> None:
    train, validation, test = areas
    told = gaps(train, exactly(validation), exactly(test), WHOLE)
    assert [alarm.kind for alarm in told] == kinds


def test_a_gap_that_may_be_chance_is_no_alarm() -> None:
    wide = {"value": 0.8, "low": 0.6, "high": 0.99}
    assert gaps(0.98, wide, wide, WHOLE) == []
    assert gaps(0.995, wide, wide, WHOLE), "the interval of validation ends below the training part"
    assert gaps(None, {"value": 0.95, "low": 0.9, "high": 0.98}, wide, WHOLE) == []


def test_an_alarm_is_told_with_its_remedy() -> None:
    assert str(Alarm("kind", "Seen.", "Do this.")) == "Seen. Do this."
