"""Hiding parts of pictures from classifiers whose attention is known."""

from __future__ import annotations

import numpy as np
import pytest
from whole_pictures import WholePictures

from zoo.interpret.overview import occlusion
from zoo.interpret.overview.occlusion import Hidden, log_odds, survives
from zoo.interpret.overview.regions import (
    BORDERS,
    BOX,
    CENTRE,
    CORNERS,
    EVERYTHING,
    LUNGS,
    OUTSIDE,
    REGIONS,
    regions,
)

SIZE = 40
COUNT = 80


class Looking(WholePictures):
    """Answers by how many pixels of one region stand out, and by nothing else."""

    class_names = ("NORMAL", "PNEUMONIA")

    def __init__(self, region: np.ndarray) -> None:
        self.region = region

    def logits(self, pixels: np.ndarray, boxes: np.ndarray | None = None) -> np.ndarray:
        standing_out = np.abs(pixels[:, self.region].astype(float) - 128) > 40
        share = standing_out.mean(axis=(1, 2))
        return np.stack([np.zeros(len(pixels)), 10 * share], axis=1).astype(np.float32)


def lungs() -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[12:28, 10:17] = mask[12:28, 23:30] = True
    return mask


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise, stronger on the positive images, everywhere alike."""
    random = np.random.default_rng(0)
    truth = np.arange(COUNT) % 2 == 1
    strength = np.where(truth, 30, 20) + random.normal(0, 6, COUNT)
    noise = random.normal(0, 1, (COUNT, SIZE, SIZE, 3)) * strength[:, None, None, None]
    patients = np.array([f"p{row // 2}-{row % 2}" for row in range(COUNT)])
    return np.clip(128 + noise, 0, 255).astype(np.uint8), truth, patients


def measured(region: np.ndarray, masks: list[np.ndarray | None]) -> dict[str, Hidden]:
    pixels, truth, patients = pictures()
    classifier = Looking(region)
    scores = log_odds(classifier.logits(pixels), 1)
    hidden = {
        name: (log_odds(logits, 1), areas)
        for name, (logits, areas) in occlusion.hidden_answers(classifier, pixels, masks).items()
    }
    return {h.region: h for h in occlusion.occlusion_effect(scores, hidden, truth, patients)}


def test_regions_are_what_they_are_called() -> None:
    found = regions((SIZE, SIZE), lungs())
    assert list(found) == [*(LUNGS, BOX, OUTSIDE), BORDERS, CORNERS, CENTRE, EVERYTHING]
    assert set(found) == set(REGIONS)
    assert found[BORDERS].mean() == pytest.approx(1 - 0.8**2)
    assert found[CORNERS].mean() == pytest.approx(4 * 0.2**2)
    assert found[CENTRE].mean() == pytest.approx(0.25)
    assert not (found[BORDERS] & found[CENTRE]).any()
    assert (found[BOX] >= found[LUNGS]).all()
    assert found[BOX].sum() == 16 * 20
    assert (found[OUTSIDE] ^ found[LUNGS]).all()
    assert set(regions((SIZE, SIZE), None)) == {BORDERS, CORNERS, CENTRE, EVERYTHING}


def test_who_looks_at_the_border_alone_needs_nothing_else() -> None:
    found = measured(regions((SIZE, SIZE))[BORDERS], [lungs()] * COUNT)
    for name in (LUNGS, BOX, CENTRE):
        assert found[name].drop["value"] == 0, name
    assert found[BORDERS].before["value"] > 0.8
    for name in (BORDERS, OUTSIDE, EVERYTHING):
        assert found[name].after == {"value": 0.5, "low": None, "high": None}, name
        assert found[name].drop["low"] > 0.1, name
    said = survives(list(found.values()))
    assert said.startswith("Yes: most of the score is there without the lungs.")


def test_who_looks_at_the_lungs_alone_needs_them() -> None:
    found = measured(lungs(), [lungs()] * COUNT)
    assert found[BORDERS].drop["value"] == found[OUTSIDE].drop["value"] == 0
    assert found[LUNGS].drop["low"] > 0.1
    assert survives(list(found.values())).startswith("No: ")


def test_images_without_a_mask_count_where_none_is_needed() -> None:
    masks = [lungs() if row % 4 < 2 else None for row in range(COUNT)]
    found = measured(lungs(), masks)
    assert found[LUNGS].images == COUNT // 2
    assert found[BORDERS].images == COUNT
    assert found[LUNGS].area == pytest.approx(lungs().mean())


def test_without_masks_the_question_stays_open() -> None:
    found = measured(lungs(), [None] * COUNT)
    assert LUNGS not in found
    assert survives(list(found.values())) == ""


def test_what_is_not_hidden_stays_as_it_is() -> None:
    pixels, _, _ = pictures()
    shown, rows, areas = occlusion.hide(pixels[:2], [lungs(), None])[LUNGS]
    assert rows.tolist() == [0]
    assert areas.tolist() == [lungs().mean()]
    assert (shown[0][~lungs()] == pixels[0][~lungs()]).all()
    assert shown[0][lungs()].std() < 0.3 * pixels[0][lungs()].std()


def test_a_score_by_chance_rests_on_nothing() -> None:
    chance = {"value": 0.52, "low": 0.4, "high": 0.64}
    drop = {"value": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}
    assert "not clearly above chance" in survives([Hidden(LUNGS, 0.3, 80, chance, chance, drop)])


def test_an_outline_that_gives_the_class_away_does_not_count_as_surviving() -> None:
    high = {"value": 0.95, "low": 0.9, "high": 0.98}
    low = {"value": 0.55, "low": 0.45, "high": 0.65}
    drop = {"value": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}
    found = [Hidden(LUNGS, 0.3, 80, high, high, drop), Hidden(BOX, 0.5, 80, high, low, drop)]
    assert survives(found[:1]).startswith("Yes")
    assert survives(found).startswith("No")


def test_a_ranking_that_turns_round_is_no_chance() -> None:
    high = {"value": 0.95, "low": 0.9, "high": 0.98}
    turned = {"value": 0.2, "low": 0.1, "high": 0.3}
    chance = {"value": 0.4, "low": 0.25, "high": 0.55}
    drop = {"value": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}

    def said(before: dict, after: dict, box: dict) -> str:
        return survives(
            [Hidden(LUNGS, 0.3, 80, before, after, drop), Hidden(BOX, 0.5, 80, before, box, drop)]
        )

    assert said(high, turned, chance).startswith("Turned round")
    assert said(high, high, turned).startswith("Turned round")
    assert said(high, chance, chance).startswith("No: without the lungs it is not clearly better")
    assert "is below chance" in said(turned, turned, turned)
    assert "not clearly above chance" in said(chance, chance, chance)


def test_log_odds_tell_apart_what_probabilities_round() -> None:
    logits = np.array([[0, 30], [0, 40], [np.nan, np.nan]], np.float32)
    odds = log_odds(logits, 1)
    assert odds[:2].tolist() == [30, 40]
    assert np.isnan(odds[2])
    three = log_odds(np.zeros((1, 3), np.float32), 2)
    assert three[0] == pytest.approx(-np.log(2))
