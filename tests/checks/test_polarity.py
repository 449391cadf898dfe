from __future__ import annotations

import numpy as np
import pytest

from zoo.base.types import Sample
from zoo.checks.polarity import negatives

ROWS, COLUMNS = np.mgrid[-1:1:64j, -1:1:64j]
CHEST = 120 + 80 * np.cos(3 * COLUMNS) * np.exp(-(ROWS**2)) - 40 * (np.abs(COLUMNS) > 0.8)


def chests(number: int, inverted: list[int]) -> np.ndarray:
    """Draw pictures that resemble each other, some of them inverted."""
    rng = np.random.default_rng(0)
    pictures = CHEST * rng.uniform(0.7, 1, (number, 1, 1)) + rng.normal(0, 25, (number, 64, 64))
    pictures = np.clip(pictures, 0, 255).astype(np.uint8)
    pictures[inverted] = 255 - pictures[inverted]
    return pictures


def samples(number: int) -> tuple[Sample, ...]:
    return tuple(Sample(str(n), n % 2, str(n)) for n in range(number))


@pytest.mark.parametrize("inverted", [list(range(3)), list(range(0, 40, 2)), list(range(5, 40))])
def test_the_smaller_side_is_named(inverted: list[int]) -> None:
    (found,) = negatives(samples(40), chests(40, inverted))
    named = {int(name) for name in found.names}
    assert named in (set(inverted), set(range(40)) - set(inverted))
    assert len(named) <= 20
    assert (found.level, found.kind) == ("warning", "negatives")


def test_one_polarity_is_no_finding() -> None:
    assert negatives(samples(40), chests(40, [])) == []
    assert negatives(samples(40), chests(40, list(range(40)))) == []


def test_pictures_of_nothing_in_common_are_no_finding() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 64, 64)).astype(np.uint8)
    assert negatives(samples(60), noise) == []
    assert negatives(samples(60), np.full((60, 64, 64), 9, np.uint8)) == []


def test_pictures_of_any_size_are_compared() -> None:
    small = chests(30, list(range(10)))[:, ::5, ::5]
    (found,) = negatives(samples(30), small)
    assert len(found.names) == 10
