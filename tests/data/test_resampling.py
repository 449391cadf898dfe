"""A part of a picture is cut out as another library does it, with as much detail as is asked."""

from __future__ import annotations

import numpy as np
from cutting_by_pillow import WHOLE, by_pillow, noise
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.resampling import cut, hats


def test_a_whole_picture_at_its_own_size_is_the_picture():
    pixels = noise(2, 31, 20, 3)
    np.testing.assert_array_equal(cut(pixels, WHOLE.repeat(2, axis=0), (31, 20)), pixels)


def test_a_known_box_cuts_the_known_part_of_each_picture():
    pixels = noise(2, 40, 30, 3)
    boxes = np.array([[0.25, 0.5, 0.75, 0.9], [0.1, 0.0, 0.6, 0.4]], np.float32)
    found = np.asarray(cut(pixels, boxes, (20, 12)))
    np.testing.assert_allclose(found[0], pixels[0, 10:30, 15:27], atol=0.01)
    np.testing.assert_allclose(found[1], pixels[1, 4:24, 0:12], atol=0.01)


edges = st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)).filter(
    lambda pair: abs(pair[0] - pair[1]) > 0.05
)
sides = st.integers(8, 60)


@settings(deadline=None, max_examples=60)
@given(edges, edges, st.tuples(sides, sides), st.tuples(sides, sides))
def test_any_box_and_size_is_cut_as_pillow_does(rows, columns, source, size):
    (top, bottom), (left, right) = sorted(rows), sorted(columns)
    box = np.array([top, left, bottom, right], np.float32)
    picture = noise(*source)
    found = np.asarray(cut(picture[None, ..., None], box[None], size))[0, ..., 0]
    assert found.shape == size
    np.testing.assert_allclose(found, by_pillow(picture, box, size), atol=0.05)


def stripes(period: int) -> np.ndarray:
    """Return a picture of vertical stripes, `(1, 96, 96, 1)`."""
    wave = 128 + 100 * np.sin(2 * np.pi * (np.arange(96) + 0.5) / period)
    return np.tile(wave, (1, 96, 1)).astype(np.float32)[..., None]


def depth(pixels, detail) -> float:
    """Return how much of the stripes is left when so much detail is kept, away from the edges."""
    shown = np.asarray(cut(pixels, WHOLE, (96, 96), None if detail is None else np.array([detail])))
    return float(np.ptp(shown[0, 48, 12:-12, 0])) / float(np.ptp(pixels))


def test_detail_takes_fine_stripes_and_leaves_coarse_ones():
    fine, coarse = stripes(3), stripes(24)
    assert depth(fine, None) > 0.99
    assert depth(coarse, 40) > 0.85
    assert depth(fine, 40) < 0.2
    assert depth(fine, 24) < depth(fine, 40) < depth(fine, 70) < depth(fine, 96)


def test_as_much_detail_as_there_is_changes_nothing():
    pixels = noise(2, 40, 30, 3)
    boxes = np.array([[0.2, 0.1, 0.9, 0.8], [0, 0, 1, 1]], np.float32)
    plain = np.asarray(cut(pixels, boxes, (50, 20)))
    np.testing.assert_allclose(cut(pixels, boxes, (50, 20), [200, 40]), plain, atol=1e-3)
    reduced = np.asarray(cut(pixels, boxes, (50, 20), [200, 10]))
    np.testing.assert_allclose(reduced[0], plain[0], atol=1e-3)  # each picture has its own
    assert np.abs(reduced[1] - plain[1]).mean() > 10


@settings(deadline=None, max_examples=30)
@given(edges, sides, sides, st.floats(2, 200, width=32))
def test_weights_add_up_to_one_and_take_nothing_away(ends, source, wanted, detail):
    start, end = (np.array([value], np.float32) for value in sorted(ends))
    weights = np.asarray(hats(start, end, source, wanted, np.array([detail], np.float32)))
    assert weights.shape == (1, wanted, source)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)
