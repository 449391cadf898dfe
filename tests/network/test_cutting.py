"""The layers that cut reduce as another library does, and their gradients stay inside the box."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from cutting_by_pillow import WHOLE, by_pillow, noise

from zoo.data.resampling import cut
from zoo.network.cutting import Cut, Thumbnail


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
