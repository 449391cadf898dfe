"""A part of a picture is cut out as another library cuts it, and its gradients stay inside."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo.network.cutting import Cut, Thumbnail, cut

WHOLE = np.array([[0, 0, 1, 1]], np.float32)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)


def by_pillow(picture: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut `(height, width)` float32 by an independent implementation of the same filter."""
    height, width = picture.shape
    top, left, bottom, right = box * [height, width, height, width]
    image = Image.fromarray(picture)
    return np.asarray(
        image.resize(size[::-1], Image.Resampling.BILINEAR, box=(left, top, right, bottom))
    )


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


def test_a_thumbnail_is_gray_and_reduced_without_aliasing():
    pixels = noise(1, 64, 48, 3)
    found = np.asarray(Thumbnail(16)(pixels))[0, ..., 0]
    wanted = by_pillow(pixels[0].mean(axis=-1), WHOLE[0], (16, 16))
    np.testing.assert_allclose(found, wanted, atol=0.01)
    one = pixels[..., :1]
    np.testing.assert_allclose(Thumbnail(16)(one), Thumbnail(16)(one.repeat(3, -1)), atol=1e-3)


def test_no_gradient_comes_from_outside_the_box():
    import tensorflow as tf

    pixels = tf.constant(noise(1, 60, 60, 1))
    box = tf.constant([[0.25, 0.25, 0.75, 0.75]])
    with tf.GradientTape() as tape:
        tape.watch([pixels, box])
        total = tf.reduce_sum(Cut((15, 15))(pixels, box))
    by_pixels = tape.gradient(total, pixels)[0, ..., 0].numpy()
    beside = np.ones((60, 60), bool)
    beside[13:47, 13:47] = False  # the filter reaches one pixel of the result, here two, over it
    assert (by_pixels[beside] == 0).all()
    assert (by_pixels[15:45, 15:45] > 0).all()


@pytest.fixture
def in_16_bits():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("in_16_bits")
def test_places_are_computed_in_32_bits_whatever_the_network_does():
    pixels = noise(1, 320, 320, 1)
    box = np.array([[0.101, 0.202, 0.909, 0.808]], np.float32)
    np.testing.assert_array_equal(Cut((50, 50))(pixels, box), cut(pixels, box, (50, 50)))
    assert Thumbnail(96)(pixels).dtype == "float32"
