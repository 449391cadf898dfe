"""A box is put around a mask; specks do not widen it, and an odd one gives the whole picture."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.network.boxes import ANY, DESCRIPTION, MARGIN, FindBox, described
from zoo.network.frame import box_of

WHOLE = [[0, 0, 1, 1]]


def logits(*rectangles: tuple[int, int, int, int], inside: float = 9.0) -> np.ndarray:
    """Give one mask of 48 x 48 with rectangles: top, left, bottom, right in cells."""
    values = np.full((1, 48, 48, 1), -9.0, np.float32)
    for top, left, bottom, right in rectangles:
        values[:, top:bottom, left:right] = inside
    return values


RIGHT, LEFT = (10, 6, 40, 20), (12, 26, 42, 40)


def found(values: np.ndarray, limits=ANY) -> np.ndarray:
    return np.asarray(FindBox(limits)(values))


def limited(**named: tuple[float, float]) -> list[tuple[float, float]]:
    return [named.get(name, limits) for name, limits in zip(DESCRIPTION, ANY, strict=True)]


def test_the_box_is_just_around_what_was_found_and_a_margin():
    box, _ = described(logits(RIGHT, LEFT))
    np.testing.assert_allclose(box, np.array([[10, 6, 42, 40]]) / 48, atol=1e-3)
    height, width = 32 / 48, 34 / 48
    margin = MARGIN * np.array([-height, -width, height, width])
    np.testing.assert_allclose(found(logits(RIGHT, LEFT)), np.asarray(box) + margin, atol=1e-3)


def test_a_box_does_not_leave_the_picture():
    np.testing.assert_allclose(found(logits((0, 0, 48, 20), (0, 30, 48, 48))), WHOLE, atol=1e-3)


def test_an_edge_lies_within_a_cell_as_its_value_tells():
    values = logits(RIGHT)
    values[:, 9, 6:20] = 0.0  # a probability of one half: half of the cell
    assert np.asarray(described(values)[0])[0, 0] == pytest.approx(9.5 / 48, abs=1e-3)


@pytest.mark.parametrize("speck", [(2, 2, 6, 6), (44, 42, 48, 46), (1, 24, 2, 48)])
def test_specks_do_not_widen_the_box(speck):
    clean, disturbed = logits(RIGHT, LEFT), logits(RIGHT, LEFT, speck)
    np.testing.assert_allclose(found(disturbed), found(clean), atol=1e-3)


def test_a_faint_haze_does_not_widen_the_box():
    hazy = np.maximum(logits(RIGHT, LEFT), -1.5)  # a probability of 18 % everywhere
    np.testing.assert_allclose(found(hazy), found(logits(RIGHT, LEFT)), atol=1e-3)


def test_thin_corners_of_a_part_that_is_kept_belong_to_it():
    tipped = logits(RIGHT, (40, 6, 46, 8))
    assert found(tipped)[0, 2] > 46 / 48


def test_nothing_found_is_the_whole_picture():
    np.testing.assert_array_equal(found(logits()), WHOLE)
    np.testing.assert_array_equal(found(logits(), limited(area=(0.1, 1))), WHOLE)


def test_lungs_that_fill_the_picture_were_found():
    box = found(logits((0, 0, 48, 20), (0, 28, 48, 48)))
    np.testing.assert_allclose(box, WHOLE, atol=1e-5)
    assert box_of(box[0]) is not None


@pytest.mark.parametrize(
    ("limits", "taken"),
    [
        ({"area": (0.1, 0.5)}, True),
        ({"area": (0.4, 0.5)}, False),
        ({"height": (0.7, 1.0)}, False),
        ({"width": (0.0, 0.6)}, False),
        ({"fill": (0.9, 1.0)}, False),
        ({"down": (0.6, 1.0)}, False),
        ({"across": (0.0, 0.4)}, False),
        ({"balance": (0.0, 0.4)}, False),
        ({"core": (0.5, 1.0)}, False),
        ({"certainty": (0.9, 1.0)}, True),
    ],
)
def test_what_is_not_plausible_is_the_whole_picture(limits, taken):
    box = found(logits(RIGHT, LEFT), limited(**limits))
    assert (box[0].tolist() != WHOLE[0]) == taken


def test_one_lung_alone_a_small_other_and_uncertainty_are_told():
    def told(name, values):
        return np.asarray(described(values)[1])[0, DESCRIPTION.index(name)]

    both, alone, small = logits(RIGHT, LEFT), logits(RIGHT), logits(RIGHT, (34, 30, 40, 36))
    assert told("balance", both) == pytest.approx(0.5, abs=0.02)
    assert told("balance", small) > 0.85
    assert told("core", both) == pytest.approx(0, abs=0.01)
    assert told("core", alone) == pytest.approx(1, abs=0.01)
    assert told("certainty", logits(RIGHT, LEFT, inside=0.5)) < 0.7 < told("certainty", both)


def test_each_picture_of_a_batch_has_its_own_box():
    both = np.concatenate([logits(RIGHT, LEFT), logits(), logits(LEFT)])
    apart = np.concatenate([found(part[None], limited(area=(0.01, 1))) for part in both])
    np.testing.assert_allclose(found(both, limited(area=(0.01, 1))), apart, atol=1e-6)


def test_no_gradient_passes():
    import tensorflow as tf

    values = tf.constant(logits(RIGHT, LEFT))
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(FindBox()(values))
    assert tape.gradient(total, values) is None
