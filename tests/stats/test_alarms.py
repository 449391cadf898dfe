from __future__ import annotations

import numpy as np
import pytest

from zoo.stats.alarms import Alarm, collapsed, constant_features, feature_spread, gaps

NAMES = ("NORMAL", "PNEUMONIA")


def answers(diseased: int, images: int = 200) -> np.ndarray:
    probabilities = np.tile([0.9, 0.1], (images, 1))
    probabilities[:diseased] = [0.1, 0.9]
    return probabilities


def test_always_the_same_answer_is_a_collapse() -> None:
    labels = np.arange(200) % 2
    (alarm,) = collapsed(answers(200), labels, NAMES)
    assert alarm.kind == "collapse"
    assert "100.0% of the images are called PNEUMONIA" in alarm.message
    assert collapsed(answers(1), labels, NAMES)  # 99.5 %
    assert not collapsed(answers(4), labels, NAMES)  # 98 %


def test_the_same_answer_is_right_when_all_labels_are_alike() -> None:
    assert not collapsed(answers(0), np.zeros(200, int), NAMES)


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
    assert [alarm.kind for alarm in gaps(*areas)] == kinds


def test_an_alarm_is_told_with_its_remedy() -> None:
    assert str(Alarm("kind", "Seen.", "Do this.")) == "Seen. Do this."
