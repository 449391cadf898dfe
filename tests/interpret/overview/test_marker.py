"""Letters pasted on pictures, and classifiers that do or do not see them."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.interpret.overview import marker
from zoo.interpret.overview.marker import BRIGHT, GRAY, KINDS, LEFT, RIGHT, Marked
from zoo.stats.probabilities import softmax

SIZE, COUNT = 60, 40


class BrightCorner:
    """Answers PNEUMONIA when something bright is in the upper left quarter."""

    class_names = ("NORMAL", "PNEUMONIA")

    def logits(self, pixels: np.ndarray) -> np.ndarray:
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
    assert beyond[LEFT]["value"] == 1
    assert beyond[RIGHT]["value"] == 0
    assert all(entry.back == 0 and entry.back_images == COUNT // 2 for entry in found)


def test_the_answer_in_words() -> None:
    _, beyond, found = measured()
    sure = {LEFT: {"low": 0.9}, RIGHT: {"low": 0.0}}
    said = marker.flips(found, sure, "NORMAL", "PNEUMONIA")
    assert said.startswith("Yes. A bright letter pasted in the upper left corner turned 20 of 20")
    assert marker.flips(found, {LEFT: {"low": -0.1}, RIGHT: {}}, "a", "b").startswith("A few, not")
    unmoved = [entry for entry in found if entry.corner == RIGHT]
    assert marker.flips(unmoved, beyond, "NORMAL", "PNEUMONIA").startswith("No. ")
    assert marker.flips([], {}, "NORMAL", "PNEUMONIA") == ""


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


def test_the_letter_is_large_enough_to_be_read() -> None:
    for side in (4, 8, 27, 60):
        shape = marker.letter(side)
        assert shape.shape == (side, side)
        assert 0.2 < shape.mean() < 0.9
    assert not (marker.letter(27) == marker.letter(27)[:, ::-1]).all(), "no mirror image"
