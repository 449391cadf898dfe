"""Letters pasted on pictures, and classifiers that do or do not see them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from whole_pictures import WholePictures

from zoo.interpret.overview import marker
from zoo.interpret.overview.marker import BRIGHT, GRAY, KINDS, LEFT, RIGHT, Marked
from zoo.stats.probabilities import softmax

SIZE, COUNT = 60, 40


class BrightCorner(WholePictures):
    """Answers PNEUMONIA when something bright is in the upper left quarter."""

    class_names = ("NORMAL", "PNEUMONIA")

    def logits(self, pixels: np.ndarray, boxes: np.ndarray | None = None) -> np.ndarray:
        corner = pixels[:, : SIZE // 3, : SIZE // 3].max(axis=(1, 2, 3)).astype(float)
        return np.stack([np.zeros(len(pixels)), (corner - 200) / 10], axis=1).astype(np.float32)


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dark noise; positive images have a bright spot in the upper left quarter."""
    pixels = np.random.default_rng(0).integers(60, 120, (COUNT, SIZE, SIZE, 3), np.uint8)
    truth = np.arange(COUNT) % 2 == 1
    pixels[truth, 15, 15] = 250
    return pixels, truth, np.array([f"p{row}" for row in range(COUNT)])


def measured() -> tuple[dict[tuple[str, str], Marked], dict, tuple[Marked, ...]]:
    pixels, truth, patients = pictures()

    def called(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chances = softmax(logits)[:, 1].astype(float)
        return chances, chances >= 0.5

    before = called(BrightCorner().logits(pixels))
    after = {p: called(v) for p, v in marker.marked_answers(BrightCorner(), pixels).items()}
    found = marker.marker_effect(before, after, truth, patients)
    beyond = marker.beyond_placebo(before, after, truth, patients)
    return {(m.kind, m.corner): m for m in found}, beyond, found


def test_only_a_bright_letter_in_the_corner_it_sees_flips_it() -> None:
    by_place, beyond, found = measured()
    seen = by_place[BRIGHT, LEFT]
    assert (seen.images, seen.flips, seen.share["value"]) == (COUNT // 2, COUNT // 2, 1)
    assert seen.moved["value"] == pytest.approx(0.99, abs=0.02)
    for place in ((BRIGHT, RIGHT), (GRAY, LEFT), (GRAY, RIGHT)):
        assert by_place[place].flips == 0, place
        assert abs(by_place[place].moved["value"]) < 1e-3, place
        assert by_place[place].share["low"] == 0
        assert by_place[place].share["high"] == pytest.approx(0.168, abs=0.001), "20 patients"
    assert beyond[LEFT]["value"] == 0.5, "half of all answers"
    assert beyond[LEFT]["low"] > 0.3
    assert beyond[RIGHT]["value"] == 0
    assert all(entry.back == 0 and entry.back_images == COUNT // 2 for entry in found)
    assert all(entry.back_share == by_place[GRAY, LEFT].share for entry in found)


def swapped() -> tuple[dict, tuple[Marked, ...]]:
    """The same answers with the other class as the one that is looked for."""
    pixels, truth, patients = pictures()

    def called(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chances = softmax(logits)[:, 0].astype(float)
        return chances, chances >= 0.5

    before = called(BrightCorner().logits(pixels))
    after = {p: called(v) for p, v in marker.marked_answers(BrightCorner(), pixels).items()}
    return (
        marker.beyond_placebo(before, after, ~truth, patients),
        marker.marker_effect(before, after, ~truth, patients),
    )


def test_the_answer_in_words() -> None:
    _, beyond, found = measured()
    said = marker.flips(found, beyond, "NORMAL", "PNEUMONIA")
    assert said.startswith(
        "Yes. A bright letter pasted in the upper left corner turned 20 of 20 NORMAL answers into "
        "PNEUMONIA (83.2 % to 100 %) and none of 20 PNEUMONIA answers into NORMAL (0 % to "
        "16.8 %); the same letter in gray turned 0. In the upper left corner it moved"
    )
    assert re.search(r"by \+9\d\.\d percentage points on NORMAL images", said)
    unsure = {LEFT: {"low": -0.1}, RIGHT: {"low": None}}
    assert marker.flips(found, unsure, "a", "b").startswith("A few, not")
    unmoved = [entry for entry in found if entry.corner == RIGHT]
    assert marker.flips(unmoved, beyond, "NORMAL", "PNEUMONIA").startswith("No. ")
    assert marker.flips([], {}, "NORMAL", "PNEUMONIA") == ""


def test_flips_in_the_other_direction_are_flips() -> None:
    beyond, found = swapped()
    seen = {(entry.kind, entry.corner): entry for entry in found}[BRIGHT, LEFT]
    assert (seen.flips, seen.back, seen.back_images) == (0, COUNT // 2, COUNT // 2)
    assert seen.back_moved["value"] == pytest.approx(-0.99, abs=0.02)
    said = marker.flips(found, beyond, "PNEUMONIA", "NORMAL")
    assert said.startswith(
        "Yes. A bright letter pasted in the upper left corner turned none of 20 PNEUMONIA answers "
        "into NORMAL (0 % to 16.8 %) and 20 of 20 NORMAL answers into PNEUMONIA"
    )


def test_the_corner_that_moves_most_is_told_whatever_its_sign() -> None:
    nothing = {"value": 0.0, "low": None, "high": None, "p": 1.0}
    none = {"value": 0.0, "low": 0.0, "high": 0.2}

    def entry(kind: str, corner: str, value: float) -> Marked:
        moved = {"value": value, "low": value - 0.01, "high": value + 0.01, "p": 0.0}
        return Marked(kind, corner, 20, 0, none, moved, 20, 0, none, nothing)

    found = [
        entry(BRIGHT, LEFT, 0.02),
        entry(BRIGHT, RIGHT, -0.3),
        entry(GRAY, LEFT, 0),
        entry(GRAY, RIGHT, 0),
    ]
    unknown = {LEFT: {"low": None}, RIGHT: {"low": None}}
    said = marker.flips(found, unknown, "NORMAL", "PNEUMONIA")
    assert said.startswith("No. A bright letter pasted in either upper corner turned none of 20")
    assert "In the upper right corner it moved the probability of PNEUMONIA by -30.0" in said
    assert "-30.0 (-31.0 to -29.0) percentage points on NORMAL images and +0.0 percentage" in said


def test_images_of_one_class_are_enough_and_all_flips_are_certain() -> None:
    _, truth, patients = pictures()
    chances = np.full(truth.sum(), 0.9)
    before = (chances, np.ones(len(chances), bool))
    turned = (1 - chances, np.zeros(len(chances), bool))
    after = {
        (kind, corner): turned if kind == BRIGHT else before
        for kind in KINDS
        for corner in (LEFT, RIGHT)
    }
    arguments = (before, after, truth[truth], patients[truth])
    beyond = marker.beyond_placebo(*arguments)
    assert beyond[LEFT] == {
        "value": 1,
        "low": pytest.approx(0.663, abs=1e-3),
        "high": 1,
        "p": pytest.approx(2 * 0.5**20),
    }
    said = marker.flips(marker.marker_effect(*arguments), beyond, "NORMAL", "PNEUMONIA")
    assert said.startswith("Yes. A bright letter pasted in the upper left corner turned 20 of 20")
    assert "NORMAL images" not in said


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_the_letter_stands_in_its_corner_and_changes_nothing_else(kind: str, channels: int) -> None:
    pixels = pictures()[0][:3, ..., :channels]
    for corner, half in ((LEFT, np.s_[:, :, : SIZE // 2]), (RIGHT, np.s_[:, :, SIZE // 2 :])):
        marked = marker.paste(pixels, kind, corner)
        changed = (marked != pixels).any(axis=-1)
        assert changed[half].sum() == changed.sum() > 0
        assert not changed[:, SIZE // 4 :].any(), "the upper corner"
        assert not changed[:, 0].any(), "not at the very edge"
    assert marked.dtype == np.uint8


def test_the_placebo_is_as_gray_as_its_surroundings() -> None:
    pixels, _, _ = pictures()
    marked = marker.paste(pixels, GRAY, RIGHT)
    changed = (marked != pixels).any(axis=-1)
    assert marked[changed].min() > 80
    assert marked[changed].max() < 100
