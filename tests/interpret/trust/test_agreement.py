"""Maps that mark the same places, and maps that do not."""

from __future__ import annotations

import numpy as np
import pytest

from zoo import Attribution
from zoo.interpret.trust.agreement import Agreement, agreements, compared
from zoo.interpret.trust.verdict import DO_NOT_USE, HOLDS_UP, NOT_JUDGED, WEAK, Trust

SIDE = 56


def blot(top: int, left: int, size: int = 16) -> np.ndarray:
    values = np.zeros((SIDE, SIDE), np.float32)
    values[top : top + size, left : left + size] = 1
    return values


def speckled(values: np.ndarray) -> np.ndarray:
    """The same places as single pixels of different heights."""
    heights = np.random.default_rng(0).random(values.shape)
    return (values * heights * (heights > 0.5)).astype(np.float32)


def of(*maps: np.ndarray, targets: tuple[int, ...] = ()) -> list[Attribution]:
    wanted = targets or (0,) * len(maps)
    return [Attribution(f"m{i}", wanted[i], values) for i, values in enumerate(maps)]


def test_the_same_map_agrees_with_itself_whatever_its_scale() -> None:
    (found,) = agreements(of(blot(8, 8), 1000 * blot(8, 8) - 3))
    assert (found.methods, found.overlap, found.agrees) == (("m0", "m1"), 1, True)
    assert found.rank == pytest.approx(1)


def test_fine_and_coarse_maps_of_one_place_agree() -> None:
    (found,) = agreements(of(blot(8, 8), speckled(blot(8, 8))))
    assert found.overlap > 0.8
    assert found.agrees


def test_maps_of_different_places_do_not() -> None:
    (found,) = agreements(of(blot(4, 4), blot(36, 36)))
    assert (found.overlap, found.agrees) == (0, False)
    assert found.rank < 0


def test_unlike_maps_share_about_a_tenth() -> None:
    random = np.random.default_rng(1)
    maps = of(*(random.normal(size=(SIDE, SIDE)) for _ in range(12)))
    found = agreements(maps)
    assert len(found) == 66
    assert np.mean([one.overlap for one in found]) == pytest.approx(0.1, abs=0.02)
    assert np.mean([one.rank for one in found]) == pytest.approx(0, abs=0.03)


def test_what_speaks_against_the_class_is_not_what_speaks_for_it() -> None:
    (found,) = agreements(of(blot(8, 8), -blot(8, 8)))
    assert found.overlap == 0
    assert found.rank == pytest.approx(-1)


def test_an_empty_map_marks_nothing() -> None:
    (found,) = agreements(of(blot(8, 8), np.zeros((SIDE, SIDE), np.float32)))
    assert (found.overlap, found.rank) == (0, 0)


def test_only_what_was_seen_is_compared() -> None:
    """Both maps are empty outside the box; there they would agree whatever they show in it."""
    box = (0.5, 0.5, 1.0, 1.0)
    one, other = blot(30, 30, 6), blot(46, 46, 6)
    (seen,) = agreements(of(one, other), box)
    (whole,) = agreements(of(one, other))
    assert seen.overlap == 0
    assert seen.rank < whole.rank
    (outside,) = agreements(of(one + 5 * blot(0, 0), one + 5 * blot(0, 30, 12)), box)
    assert outside.overlap == 1


def test_maps_of_different_classes_are_not_compared() -> None:
    assert agreements(of(blot(8, 8), blot(8, 8), targets=(0, 1))) == ()
    assert agreements(of(blot(8, 8))) == agreements([]) == ()


def trusted(*levels: str) -> dict[str, Trust]:
    return {f"m{i}": Trust(level, f"Reason {i}.", (), True) for i, level in enumerate(levels)}


def pairs(*overlaps: float) -> list[Agreement]:
    """How m0 agrees with m1, m2 and so on; those do not agree with each other."""
    return [Agreement(("m0", f"m{i}"), 0.5, overlap) for i, overlap in enumerate(overlaps, 1)]


@pytest.mark.parametrize(
    ("levels", "overlaps", "level"),
    [
        ((HOLDS_UP, HOLDS_UP), (0.5,), HOLDS_UP),
        ((HOLDS_UP, HOLDS_UP), (0.05,), WEAK),
        ((HOLDS_UP, WEAK), (0.05,), WEAK),
        ((HOLDS_UP, NOT_JUDGED), (0.05,), WEAK),
        ((HOLDS_UP, DO_NOT_USE), (0.05,), HOLDS_UP),  # no witness
        ((HOLDS_UP, HOLDS_UP, HOLDS_UP), (0.05, 0.5), HOLDS_UP),  # one is enough
        ((HOLDS_UP, HOLDS_UP, HOLDS_UP), (0.05, 0.0), WEAK),
        ((HOLDS_UP, HOLDS_UP, DO_NOT_USE), (0.05, 0.9), WEAK),
        ((WEAK, HOLDS_UP), (0.05,), WEAK),
        ((NOT_JUDGED, HOLDS_UP), (0.05,), NOT_JUDGED),
        ((DO_NOT_USE, HOLDS_UP), (0.05,), DO_NOT_USE),
        ((HOLDS_UP,), (), HOLDS_UP),
    ],
)
def test_a_map_that_stands_alone_is_weak(
    levels: tuple[str, ...], overlaps: tuple[float, ...], level: str
) -> None:
    found = compared(trusted(*levels), pairs(*overlaps))["m0"]
    assert found.level == level
    changed = level != levels[0]
    assert ("marks other places" in found.reason) == changed
    assert (found.reason == "Reason 0.") != changed
    assert len(found.rows) == len(overlaps)


def test_the_table_says_how_alike_they_are() -> None:
    found = compared(trusted(HOLDS_UP, HOLDS_UP), [Agreement(("m0", "m1"), 0.52, 0.45)])
    for own, other in (("m0", "m1"), ("m1", "m0")):
        (row,) = found[own].rows
        assert (row.name, row.passed) == (f"marks the same places as {other}", True)
        assert row.value == "45 % of the highest tenth, rank correlation 0.52"


def test_a_map_that_nobody_judged_is_no_witness() -> None:
    found = compared(trusted(HOLDS_UP), pairs(0.0))
    assert found["m0"].level == HOLDS_UP
    assert found["m0"].rows[0].passed is False


def test_a_flat_top_is_marked_however_wide_it_is() -> None:
    """Half of a map is more than the tenth that counts: each cell of it counts for a part."""
    half = blot(0, 0, SIDE) * (np.arange(SIDE) < SIDE // 2)
    same, part, other = agreements(of(half, half, blot(8, 8, 8)))
    assert same.overlap == pytest.approx(1)
    assert part.overlap == pytest.approx(other.overlap)
    assert 0 < part.overlap < 1
    (apart,) = agreements(of(half, half[:, ::-1].copy()))
    assert apart.overlap == 0
    (even,) = agreements(of(half, np.ones((SIDE, SIDE), np.float32)))
    assert even.overlap == 0
