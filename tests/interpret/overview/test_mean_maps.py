"""Moving lungs onto each other, and the means of what then lies on the same place."""

from __future__ import annotations

import numpy as np
import pytest

from zoo import Attribution
from zoo.interpret.overview.mean_maps import Averager, looks
from zoo.interpret.overview.regions import BORDERS, LUNGS, Box, bounding_box, mean_box, moved

SIZE = 60


def rectangle(box: Box) -> np.ndarray:
    values = np.zeros((SIZE, SIZE), bool)
    values[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = True
    return values


def test_a_box_is_found_and_averaged() -> None:
    first, second = Box(10, 20, 30, 50), Box(20, 10, 40, 30)
    assert bounding_box(rectangle(first)) == first
    assert bounding_box(np.zeros((4, 4), bool)) is None
    assert mean_box([first, second]) == Box(15, 15, 35, 40)
    assert mean_box([]) is None


@pytest.mark.parametrize("onto", [Box(15, 15, 35, 40), Box(0, 0, 60, 60), Box(10, 20, 30, 50)])
def test_what_fills_one_box_fills_the_other(onto: Box) -> None:
    box = Box(10, 20, 30, 50)
    shown = moved(rectangle(box), box, onto)
    assert np.abs(shown - rectangle(onto)).mean() < 0.02
    assert (shown >= 0.5)[rectangle(onto)].all()


def test_lungs_that_lie_elsewhere_are_averaged_on_one_place() -> None:
    """Each map lights the upper left quarter of its lungs, wherever they are."""
    boxes = [Box(5, 5, 25, 25), Box(30, 20, 50, 40), Box(10, 10, 50, 50)]
    frame = mean_box(boxes)
    assert frame is not None
    aligned, plain = Averager(frame), Averager()
    for box in boxes:
        quarter = Box(box.top, box.left, (box.top + box.bottom) / 2, (box.left + box.right) / 2)
        values = rectangle(quarter).astype(np.float32) * 7
        pixels = np.repeat(rectangle(box)[..., None] * np.uint8(200), 3, axis=-1)
        for averager in (aligned, plain):
            averager.add(pixels, 1, [Attribution("m", 1, values)], rectangle(box), "p")
    down, across = (frame.top + frame.bottom) / 2, (frame.left + frame.right) / 2
    wanted = rectangle(Box(round(frame.top), round(frame.left), round(down), round(across)))
    found = aligned.result()
    mean = found.classes[1]
    assert found.aligned
    assert mean.images == mean.counted["m"] == 3
    assert mean.maps["m"].sum() == pytest.approx(1, abs=0.01)
    assert mean.maps["m"][wanted].sum() > 0.8
    assert plain.result().classes[1].maps["m"][wanted].sum() < 0.6
    assert mean.lungs is not None
    assert mean.lungs[rectangle(frame)].mean() > 0.9
    assert mean.image[30, 25] == pytest.approx(200, abs=1)


def test_each_image_weighs_the_same_and_evidence_against_is_left_out() -> None:
    averager = Averager()
    pixels = np.zeros((4, 4, 3), np.uint8)
    weak, strong = np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32)
    weak[0, 0], strong[3, 3], strong[0, 3] = 1, 1000, -5000
    nothing = np.full((4, 4), -1, np.float32)
    for values in (weak, strong, nothing):
        averager.add(pixels, 0, [Attribution("shap", 0, values, signed=True)])
    mean = averager.result().classes[0]
    assert mean.images == 3
    assert mean.counted == {"shap": 2}
    assert mean.maps["shap"][0, 0] == mean.maps["shap"][3, 3] == 0.5
    assert mean.maps["shap"].min() == 0


def test_an_image_without_a_mask_is_left_out_of_the_aligned_mean() -> None:
    frame = Box(10, 10, 40, 40)
    averager = Averager(frame)
    values = np.ones((SIZE, SIZE), np.float32)
    pixels = np.zeros((SIZE, SIZE, 1), np.uint8)
    averager.add(pixels, 0, [Attribution("m", 0, values)], rectangle(frame), "a")
    averager.add(pixels, 0, [Attribution("m", 0, values)], None, "b")
    assert averager.result().classes[0].images == 1


def test_where_the_evidence_lies_is_told_against_the_size_of_the_place() -> None:
    lungs = rectangle(Box(10, 10, 40, 40))
    inside, even = Averager(), Averager()
    random = np.random.default_rng(0)
    for row in range(20):
        pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
        within = lungs * random.random(lungs.shape)
        inside.add(pixels, 0, [Attribution("gradcam", 0, within)], lungs, f"p{row}")
        spread = random.random(lungs.shape)
        even.add(pixels, 0, [Attribution("gradcam", 0, spread)], lungs, f"p{row}")
    told = inside.result().inside["gradcam"]
    assert told[LUNGS]["value"] == pytest.approx(1)
    assert told[LUNGS]["area"] == pytest.approx(0.25)
    assert told[BORDERS]["value"] < 0.2
    assert "more than by chance" in looks(inside.result())
    assert even.result().inside["gradcam"][LUNGS]["value"] == pytest.approx(0.25, abs=0.01)
    assert "more than by chance" not in looks(even.result()).replace("no more", "")
    assert looks(Averager().result()) == ""
