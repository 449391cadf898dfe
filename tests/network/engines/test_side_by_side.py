"""A batch in small parts, each by a core of its own, gives what the whole gives."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from zoo.network.engines.side_by_side import PART, side_by_side


@pytest.mark.parametrize("count", [0, 1, PART, PART + 1, 3 * PART, 3 * PART + 2])
def test_the_parts_are_put_together_in_order(count):
    asked = []

    def call(pixels):
        asked.append(len(pixels))
        return {"sum": pixels.sum(axis=(1, 2, 3)), "first": pixels[:, 0, 0]}

    pixels = np.random.default_rng(count).normal(size=(count, 5, 4, 3)).astype(np.float32)
    given = side_by_side(call, 2)(pixels)
    np.testing.assert_array_equal(given["sum"], pixels.sum(axis=(1, 2, 3)))
    np.testing.assert_array_equal(given["first"], pixels[:, 0, 0])
    assert max(asked) <= PART
    assert sum(asked) == count


def test_two_parts_are_computed_at_a_time():
    both = threading.Barrier(2, timeout=60)

    def call(pixels):
        both.wait()  # for ever, were they one after the other
        return {"pixels": pixels}

    side_by_side(call, 2)(np.zeros((2 * PART, 2, 2, 1), np.float32))


def test_what_goes_wrong_in_a_part_is_told():
    def call(pixels):
        if pixels.max() > 0:
            raise ValueError("no number")
        return {"pixels": pixels}

    pixels = np.zeros((2 * PART, 2, 2, 1), np.float32)
    pixels[-1] = 1
    with pytest.raises(ValueError, match="no number"):
        side_by_side(call, 2)(pixels)
