from __future__ import annotations

import numpy as np
import pytest

from zoo.data import augmentation
from zoo.data.augmentation import PRESETS, Preset
from zoo.training.recipe import AUGMENTATIONS

SIZE = (24, 32)
DIGESTS = [f"{n:016x}" for n in range(60)]


def noise(count: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *size, 3)).astype(np.float32)


def still(**row: float) -> np.ndarray:
    """Return a view that changes nothing but the columns named c0 to c9."""
    view = np.array([1, 0, 0, 0, 1, 0, 0, 0, 1, 0], np.float32)
    for column, value in row.items():
        view[int(column[1:])] = value
    return view[None]


def test_the_recipe_offers_exactly_these_presets() -> None:
    assert set(AUGMENTATIONS) == set(PRESETS)


def test_a_view_depends_on_preset_seed_round_and_content_alone() -> None:
    def drawn(preset: str = "chest", seed: int = 1, round_: int = 2, first: int = 0) -> np.ndarray:
        return augmentation.draw(preset, seed, round_, DIGESTS[first : first + 5], SIZE)

    assert np.array_equal(drawn(), drawn())
    for other in (drawn(preset="document"), drawn(seed=2), drawn(round_=3), drawn(first=9)):
        assert not np.isclose(drawn(), other).all()
    # The company an image is in plays no part.
    assert np.array_equal(drawn()[2:], drawn(first=2)[:3])


def test_none_leaves_images_as_they_are() -> None:
    pixels = noise(6)
    views = augmentation.draw("none", 0, 1, DIGESTS[:6], SIZE)
    assert np.allclose(augmentation.apply(pixels, views), pixels, atol=1e-3)


def determinants(preset: str) -> np.ndarray:
    a, b, _, c, d = augmentation.draw(preset, 0, 1, DIGESTS, SIZE)[:, :5].T
    return a * d - b * c


def test_a_chest_is_never_mirrored_and_a_document_sometimes_is() -> None:
    assert (determinants("chest") > 0).all()
    assert 0.2 < np.mean(determinants("document") < 0) < 0.8


def test_a_chest_view_stays_close_to_the_image() -> None:
    centre = np.array([(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2, 1])
    for view in augmentation.draw("chest", 0, 1, DIGESTS, SIZE):
        moved = view[:6].reshape(2, 3) @ centre - centre[:2]
        assert abs(moved[0]) <= 0.05 * SIZE[1] + 1e-4
        assert abs(moved[1]) <= 0.05 * SIZE[0] + 1e-4
        assert 0.85 <= view[8] <= 1.15
        assert abs(view[9]) <= 25.5


@pytest.mark.parametrize("preset", ["chest", "document"])
def test_no_black_border_appears(preset: str) -> None:
    white = np.full((len(DIGESTS), *SIZE, 3), 255, np.float32)
    views = augmentation.draw(preset, 0, 1, DIGESTS, SIZE)
    views[:, 8:] = (1, 0)  # exposure aside
    assert np.allclose(augmentation.apply(white, views), 255, atol=1e-3)


def test_a_shift_takes_pixels_from_where_it_says() -> None:
    pixels = noise(1)
    moved = np.asarray(augmentation.apply(pixels, still(c2=5, c5=-3)))
    assert np.allclose(moved[:, 3:, :-5], pixels[:, :-3, 5:])
    assert np.allclose(moved[:, 3:, -5:], pixels[:, :-3, -1:])  # the border is repeated


def test_a_quarter_turn_about_the_centre() -> None:
    pixels = noise(1, (16, 16))
    upright = np.array([1, 0, 0, 0, 0, 0, 0, 0, 0], float)  # only the angle, in full
    view = augmentation._view(Preset(rotation=90), upright, (16, 16))[None].astype(np.float32)
    turned = np.asarray(augmentation.apply(pixels, view))
    # A pixel of the view at (x, y) about the centre comes from (-y, x).
    assert np.allclose(turned[0], np.rot90(pixels[0]), atol=0.5)


def test_a_flip_is_a_mirror_image() -> None:
    pixels = noise(1)
    mirrored = augmentation._view(Preset(flip=True), np.array([0, 0, 0, 0, 1, 0, 0, 0, 0]), SIZE)
    moved = augmentation.apply(pixels, mirrored[None].astype(np.float32))
    assert np.allclose(moved, pixels[:, :, ::-1], atol=1e-2)


def test_exposure_changes_about_mid_gray_and_stays_in_range() -> None:
    gray = np.array([0, 100, 127.5, 200, 255], np.float32).reshape(1, 1, 5, 1)
    changed = np.asarray(augmentation.apply(gray, still(c8=1.5, c9=10))).ravel()
    assert changed == pytest.approx([0, 96.25, 137.5, 246.25, 255])
