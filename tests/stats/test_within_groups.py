"""What separates the groups is kept apart from what separates the classes within them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from zoo.stats.delong import roc_area
from zoo.stats.within_groups import placed, within_groups


def scored(
    seed: int, images: int, sick: dict[str, float], shift: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Groups with another share of sick, whose scores are higher by `shift` in AP, sick or not."""
    rng = np.random.default_rng(seed)
    groups = np.array(["AP", "PA"])[rng.integers(2, size=images)]
    labels = (rng.random(images) < np.where(groups == "AP", sick["AP"], sick["PA"])).astype(int)
    chance = expit(rng.normal(size=images) + 0.8 * labels + shift * (groups == "AP"))
    patients = np.array([f"p{number}" for number in range(images)])
    return labels, np.stack([1 - chance, chance], axis=1), patients, groups


def test_a_score_that_tells_the_groups_apart_is_better_within_them() -> None:
    labels, probabilities, patients, groups = scored(3, 600, {"AP": 0.25, "PA": 0.75}, shift=3)
    found = within_groups(labels, probabilities, patients, groups, 1, ["AP", "PA"])
    assert found is not None
    assert found["over_all"]["high"] < 0.5 < found["roc_auc"]["low"]
    assert found["difference"]["p"] < 0.001
    assert found["difference"]["value"] == pytest.approx(
        found["roc_auc"]["value"] - found["over_all"]["value"]
    )
    assert "Report it by group" in found["sentence"]
    areas, weights = [], []
    for name in ("AP", "PA"):
        own = groups == name
        areas.append(roc_area(labels[own] == 1, probabilities[own, 1], patients[own]).value)
        weights.append((labels[own] == 1).sum())
    assert found["roc_auc"]["value"] == pytest.approx(np.average(areas, weights=weights))


def test_groups_that_do_not_matter_change_nothing() -> None:
    even = scored(4, 600, {"AP": 0.5, "PA": 0.5}, shift=0)
    found = within_groups(*even, 1, ["AP", "PA"])
    assert found is not None
    assert found["difference"]["p"] > 0.05
    assert abs(found["difference"]["value"]) < 0.01
    assert "Report it by group" not in found["sentence"]


def test_images_of_no_known_group_play_no_part() -> None:
    labels, probabilities, patients, groups = scored(5, 300, {"AP": 0.4, "PA": 0.6}, shift=1)
    strange = groups.copy()
    strange[:100] = ""
    some = within_groups(labels, probabilities, patients, strange, 1, ["AP", "PA"])
    rest = [part[100:] for part in (labels, probabilities, patients, groups)]
    without = within_groups(*rest, 1, ["AP", "PA"])
    assert some is not None
    assert without is not None
    for part in ("roc_auc", "over_all", "difference"):
        assert some[part] == pytest.approx(without[part])
    assert within_groups(labels, probabilities, patients, groups, 1, ["AP"]) is None


def test_a_group_of_one_class_has_no_area_and_is_left_out_of_the_mean() -> None:
    labels, probabilities, patients, groups = scored(6, 300, {"AP": 0.0, "PA": 0.5}, shift=0)
    found = within_groups(labels, probabilities, patients, groups, 1, ["AP", "PA"])
    assert found is not None
    own = groups == "PA"
    alone = roc_area(labels[own] == 1, probabilities[own, 1], patients[own])
    assert found["roc_auc"] == alone.within(patients[own])
    nobody = within_groups(np.zeros(300, int), probabilities, patients, groups, 1, ["AP", "PA"])
    assert nobody is not None
    assert nobody["roc_auc"]["value"] is nobody["difference"]["p"] is None
    assert nobody["sentence"] == ""


def test_influences_are_placed() -> None:
    inside = np.array([False, True, False, True])
    assert placed(np.array([1.0, 2.0]), inside).tolist() == [0, 1, 0, 2]
