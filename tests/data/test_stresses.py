from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.base.errors import UnknownName
from zoo.data.stresses import LEVELS, MILD, STRESSES, STRONG, stressed

DIGESTS = [f"{97 * n + 5:016x}" for n in range(12)]
SIDE = 96


def chest(height: int = SIDE, width: int = SIDE, channels: int = 3) -> np.ndarray:
    """Return two dark lungs in a bright body, with ribs and fine detail."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    lungs = sum(np.exp(-(((x - c) / 0.14) ** 2 + ((y - 0.5) / 0.28) ** 2)) for c in (0.3, 0.7))
    detail = np.random.default_rng(0).normal(0, 6, (height, width))
    gray = 185 - 120 * lungs + 12 * np.sin(40 * y) + detail
    return np.repeat(np.clip(gray, 0, 255).astype(np.uint8)[..., None], channels, axis=-1)


def change(name: str, level: str, digest: str = DIGESTS[0]) -> float:
    pixels = chest()
    return float(np.abs(stressed(pixels, name, level, digest) - pixels.astype(float)).mean())


every_stress = pytest.mark.parametrize("name", STRESSES)


@every_stress
@pytest.mark.parametrize("shape", [(64, 64, 3), (64, 64, 1), (48, 80, 3), (9, 8, 1)])
def test_a_stressed_picture_has_the_shape_it_had_and_is_another_array(
    name: str, shape: tuple[int, int, int]
) -> None:
    pixels = chest(*shape)
    pixels.flags.writeable = False
    for level in LEVELS:
        changed = stressed(pixels, name, level, DIGESTS[1])
        assert changed.shape == shape
        assert changed.dtype == np.uint8
        assert not np.shares_memory(changed, pixels)


@every_stress
def test_each_level_changes_more_than_the_one_before(name: str) -> None:
    for digest in DIGESTS[:4]:
        changes = [change(name, level, digest) for level in LEVELS]
        assert 0 < changes[0] < changes[1] < changes[2], changes


@every_stress
def test_a_picture_depends_on_its_digest_alone(name: str) -> None:
    pixels = chest()
    first = stressed(pixels, name, STRONG, DIGESTS[0])
    assert np.array_equal(first, stressed(pixels, name, STRONG, DIGESTS[0]))
    others = [stressed(pixels, name, STRONG, digest) for digest in DIGESTS[1:]]
    drawn = {"noise", "crop", "padding", "rotation", "marker", "collimation"}
    assert any(not np.array_equal(first, other) for other in others) == (name in drawn)


@every_stress
def test_a_gray_picture_stays_gray_and_one_channel_gets_the_same(name: str) -> None:
    changed = stressed(chest(), name, STRONG, DIGESTS[2]).astype(int)
    assert np.ptp(changed, axis=-1).max() <= 1  # JPEG rounds colours on its own
    one = stressed(chest(channels=1), name, STRONG, DIGESTS[2])
    assert np.abs(one.astype(int) - changed).max() <= 2


@every_stress
@given(value=st.integers(0, 255), digest=st.integers(0, 2**64 - 1))
def test_a_blank_picture_stays_finite(name: str, value: int, digest: int) -> None:
    blank = np.full((16, 24, 3), value, np.uint8)
    assert stressed(blank, name, STRONG, f"{digest:x}").shape == blank.shape


def test_noise_has_the_spread_it_says_and_no_drift() -> None:
    pixels = np.full((256, 256, 1), 128, np.uint8)
    for level, spread in zip(LEVELS, STRESSES["noise"].strengths, strict=True):
        added = stressed(pixels, "noise", level, DIGESTS[0]) - 128.0
        assert added.std() == pytest.approx(spread, rel=0.03)
        assert added.mean() == pytest.approx(0, abs=0.2)


def test_a_picture_meets_the_same_noise_and_direction_at_each_strength() -> None:
    gray = np.full((64, 64, 1), 128, np.uint8)
    half = gray.copy()
    half[32:] = 90
    for digest in DIGESTS:
        mild, middle, strong = (
            (stressed(gray, "noise", level, digest) - 128.0).ravel() for level in LEVELS
        )
        assert np.corrcoef(mild, strong)[0, 1] > 0.99
        assert np.corrcoef(middle, strong)[0, 1] > 0.99
        turned = [stressed(half, "rotation", level, digest)[..., 0] > 110 for level in LEVELS]
        leans = {np.sign(int(t[:, 5].sum()) - int(t[:, 58].sum())) for t in turned}
        assert len(leans) == 1


def edges(pixels: np.ndarray) -> float:
    gray = pixels[..., 0].astype(float)
    return float(np.abs(np.diff(gray, axis=0)).mean() + np.abs(np.diff(gray, axis=1)).mean())


@pytest.mark.parametrize(
    ("name", "measure", "direction"),
    [
        ("blur", edges, -1),
        ("resolution", edges, -1),
        ("sharpening", edges, 1),
        ("darker gamma", np.mean, -1),
        ("lighter gamma", np.mean, 1),
        ("less contrast", np.std, -1),
        ("more contrast", np.std, 1),
        ("darker", np.mean, -1),
        ("brighter", np.mean, 1),
        ("marker", np.mean, 1),
        ("collimation", np.mean, -1),
        ("padding", np.mean, -1),
    ],
)
def test_a_change_goes_where_its_name_says(
    name: str, measure: Callable[[np.ndarray], float], direction: int
) -> None:
    pixels = chest()
    for level in LEVELS:
        moved = measure(stressed(pixels, name, level, DIGESTS[3])) - measure(pixels)
        assert moved * direction > 0


def test_gamma_leaves_black_and_white_alone() -> None:
    pixels = np.repeat(np.array([0, 255], np.uint8), 64)[None, :, None].repeat(64, axis=0)
    for name in ("darker gamma", "lighter gamma"):
        assert np.array_equal(stressed(pixels, name, STRONG, DIGESTS[0]), pixels)


def test_contrast_leaves_the_mean_alone() -> None:
    pixels = chest()
    changed = stressed(pixels, "less contrast", STRONG, DIGESTS[0])
    assert changed.mean() == pytest.approx(pixels.mean(), abs=0.5)
    assert changed.std() == pytest.approx(0.55 * pixels.std(), rel=0.02)


def test_equalisation_in_full_makes_gray_levels_equally_frequent() -> None:
    changed = stressed(chest(), "equalisation", STRONG, DIGESTS[0])[..., 0]
    shares, _ = np.histogram(changed, bins=8, range=(0, 256))
    assert shares.max() / changed.size < 0.2
    before, _ = np.histogram(chest()[..., 0], bins=8, range=(0, 256))
    assert before.max() / changed.size > 0.25


def width_of(pixels: np.ndarray, axis: int) -> int:
    """Return how far the dark square reaches along an axis."""
    dark = (pixels[..., 0] < 128).any(axis=1 - axis)
    return int(dark.sum())


def square() -> np.ndarray:
    pixels = np.full((100, 100, 3), 220, np.uint8)
    pixels[40:60, 40:60] = 30
    return pixels


@pytest.mark.parametrize(
    ("name", "down", "across"),
    [("wider", 20, 24), ("taller", 24, 20), ("crop", 24.4, 24.4), ("padding", 16.4, 16.4)],
)
def test_geometry_scales_as_it_says(name: str, down: float, across: float) -> None:
    changed = stressed(square(), name, STRONG, DIGESTS[0])
    if name == "padding":  # its border is dark as well
        changed = np.where(changed == 0, 255, changed).astype(np.uint8)
    assert width_of(changed, 0) == pytest.approx(down, abs=1.1)
    assert width_of(changed, 1) == pytest.approx(across, abs=1.1)


def test_padding_is_black_and_as_wide_as_it_says() -> None:
    for digest in DIGESTS:
        changed = stressed(np.full((100, 100, 3), 200, np.uint8), "padding", STRONG, digest)
        inside = (changed == 200).all(axis=-1)
        assert (inside.any(axis=0).sum(), inside.any(axis=1).sum()) == (82, 82)
        assert (changed[~inside] == 0).all()


def test_rotation_turns_to_both_sides_and_leaves_no_black_corner() -> None:
    pixels = np.full((80, 80, 3), 200, np.uint8)
    pixels[40:] = 90
    slopes = []
    for digest in DIGESTS:
        changed = stressed(pixels, "rotation", STRONG, digest)
        assert changed.min() >= 89
        boundary = [(changed[:, x, 0] > 145).sum() for x in (20, 60)]
        slopes.append((boundary[1] - boundary[0]) / 40)
    assert np.allclose(np.abs(slopes), np.tan(np.deg2rad(12)), atol=0.04)
    assert {np.sign(slope) for slope in slopes} == {-1, 1}


def test_a_marker_stands_in_any_corner_and_changes_nothing_else() -> None:
    pixels, corners = chest(), set()
    for digest in DIGESTS:
        rows, columns = np.nonzero(
            (stressed(pixels, "marker", MILD, digest) != pixels).any(axis=-1)
        )
        assert np.ptp(rows) < 0.1 * SIDE
        assert np.ptp(columns) < 0.1 * SIDE
        corners.add((rows.mean() > SIDE / 2, columns.mean() > SIDE / 2))
    assert len(corners) == 4


def test_collimation_darkens_each_edge_and_leaves_the_middle_alone() -> None:
    pixels = chest()
    for digest in DIGESTS:
        changed = stressed(pixels, "collimation", STRONG, digest)
        rim = int(np.ceil(0.14 * SIDE)) + 1
        middle = slice(rim, -rim), slice(rim, -rim)
        assert np.array_equal(changed[middle], pixels[middle])
        for edge in (changed[0], changed[-1], changed[:, 0], changed[:, -1]):
            assert edge.max() < 40


def test_what_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(UnknownName, match=r"There is no stress 'nose'\. Did you mean 'noise'"):
        stressed(chest(), "nose", MILD, DIGESTS[0])
    with pytest.raises(UnknownName, match="There is no level '2'"):
        stressed(chest(), "noise", "2", DIGESTS[0])
