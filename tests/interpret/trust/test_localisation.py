"""Maps that lie in a known place, beside it, or nowhere."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.interpret.trust.localisation import NOTHING, localise, located

PLACE = np.zeros((20, 30), bool)
PLACE[5:10, 10:20] = True
AREA = 50 / 600


def test_a_map_of_the_place_itself() -> None:
    found = localise(PLACE.astype(np.float32), PLACE)
    assert found is not None
    assert (found.inside, found.pointing, found.auprc) == (1, True, 1)
    assert found.area == pytest.approx(AREA)


def test_a_map_of_everything_else() -> None:
    found = localise((~PLACE).astype(np.float32), PLACE)
    assert found is not None
    assert (found.inside, found.pointing) == (0, False)
    assert found.auprc == pytest.approx(AREA)


def test_an_even_map_is_chance_and_points_nowhere() -> None:
    found = localise(np.full(PLACE.shape, 3.0), PLACE)
    assert found is not None
    assert found.inside == pytest.approx(AREA)
    assert found.auprc == pytest.approx(AREA)
    assert not found.pointing


def test_only_evidence_for_the_target_counts() -> None:
    values = np.where(PLACE, -5.0, 0.0)
    values[7, 12], values[0, 0] = 3.0, 1.0
    found = localise(values, PLACE)
    assert found is not None
    assert found.inside == 0.75
    assert found.pointing


@pytest.mark.parametrize(("inside", "hit"), [(3, True), (2, True), (1, False)])
def test_a_plateau_hits_when_at_least_half_of_it_does(inside: int, hit: bool) -> None:
    values = np.zeros(PLACE.shape)
    values[7, 20 - inside : 24 - inside] = 1  # four pixels across the right border
    found = localise(values, PLACE)
    assert found is not None
    assert found.pointing is hit


def test_nothing_to_compare() -> None:
    values = np.random.default_rng(0).random(PLACE.shape)
    assert localise(values, np.zeros_like(PLACE)) is None
    assert localise(-values, PLACE) is None
    assert localise(np.zeros(PLACE.shape), PLACE) is None
    assert localise(np.where(PLACE, np.nan, values), PLACE) is None


def test_the_whole_image_holds_all_evidence() -> None:
    values = np.random.default_rng(0).random(PLACE.shape)
    found = localise(values, np.ones_like(PLACE))
    assert found is not None
    assert (found.inside, found.area, found.auprc) == (1, 1, 1)


def test_the_pointing_game_of_its_authors_forgives_fifteen_pixels() -> None:
    mask = np.zeros((64, 64), bool)
    mask[20:30, 20:30] = True
    beside = ((29, True, True), (36, True, True), (37, True, False), (44, True, False))
    for column, near, close in (*beside, (45, False, False)):
        values = np.zeros((64, 64))
        values[25, column] = 1
        found = localise(values, mask)
        assert found is not None
        assert (found.near, found.close) == (near, close)
        assert found.pointing is (column == 29)


def test_another_tolerance_can_be_asked_for() -> None:
    mask = np.zeros((64, 64), bool)
    mask[20:30, 20:30] = True
    values = np.zeros((64, 64))
    values[25, 34] = 1  # five pixels beside it
    for tolerance, near, close in ((4, False, False), (5, True, False), (10, True, True)):
        found = localise(values, mask, tolerance=tolerance)
        assert found is not None
        assert (found.near, found.close) == (near, close)


def test_a_map_of_nothing_has_nothing_inside() -> None:
    place = np.zeros((8, 8), bool)
    place[:2, :2] = True
    found = located(np.zeros((2, 8, 8)), [place, None], ("inside", "auprc"))
    assert found["inside"][0] == NOTHING["inside"] == 0
    assert found["auprc"][0] == pytest.approx(1 / 16)
    assert np.isnan(found["inside"][1])


def test_the_overlap_is_that_of_what_lies_above_otsus_threshold() -> None:
    values = np.where(PLACE, 4.0, 0.5)
    values[5:10, 20:25] = 4.0  # half as much again beside it
    found = localise(values, PLACE)
    assert found is not None
    assert found.iou == pytest.approx(50 / 75)
    even = localise(np.ones(PLACE.shape), PLACE)
    assert even is not None
    assert even.iou == 0
    assert located(np.zeros((1, *PLACE.shape)), [PLACE], ("iou",))["iou"].tolist() == [0]
