from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo.base.recipe import AUGMENTATIONS
from zoo.data import augmentation
from zoo.data.augmentation import BEST_QUALITY, PRESETS, Preset, Views, joined
from zoo.data.resampling import cut

SIZE = (24, 32)
DIGESTS = [f"{n:016x}" for n in range(60)]


def noise(count: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *size, 3)).astype(np.float32)


def still(**fields: Any) -> Views:
    """Return a view that changes nothing but the fields that are named."""
    unchanged = Views(
        boxes=[0, 0, 1, 1],
        detail=1e6,
        transforms=[1, 0, 0, 0, 1, 0, 0, 0],
        tones=[1, 1, 0, 0],
        noise=0,
        seeds=[0, 0],
        qualities=BEST_QUALITY,
        transplanted=0,
        blank=0,
    )
    whole = ("seeds", "qualities")
    return Views(
        *(
            np.array([value], np.int32 if name in whole else np.float32)
            for name, value in {**unchanged._asdict(), **fields}.items()
        )
    )


def seen(pixels: np.ndarray, views: Views, preset: str, **named: Any) -> np.ndarray:
    size = named.pop("size", pixels.shape[1:3])
    return np.asarray(augmentation.apply(pixels, views, size=size, preset=preset, **named))


def test_the_recipe_offers_exactly_these_presets() -> None:
    assert set(AUGMENTATIONS) == set(PRESETS)


def same(one: Views, other: Views) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("preset", "another"), [("chest", "document"), ("robust", "chest")])
def test_a_view_depends_on_preset_seed_round_and_content_alone(preset: str, another: str) -> None:
    def drawn(preset: str = preset, seed: int = 1, round_: int = 2, first: int = 0) -> Views:
        return augmentation.draw(preset, seed, round_, DIGESTS[first : first + 5], SIZE)

    assert same(drawn(), drawn())
    for other in (drawn(preset=another), drawn(seed=2), drawn(round_=3), drawn(first=9)):
        assert not np.isclose(drawn().transforms, other.transforms).all()
        assert not np.isclose(drawn().tones, other.tones).all() or another == "document"
    # The company an image is in plays no part.
    assert same(Views(*(field[2:] for field in drawn())), Views(*(f[:3] for f in drawn(first=2))))


def test_views_of_several_draws_follow_one_another() -> None:
    one, other = (augmentation.draw("robust", 0, n, DIGESTS[:3], SIZE) for n in (1, 2))
    both = joined([one, other])
    assert same(Views(*(field[:3] for field in both)), one)
    assert same(Views(*(field[3:] for field in both)), other)


def test_none_leaves_images_as_they_are() -> None:
    pixels = noise(6)
    views = augmentation.draw("none", 0, 1, DIGESTS[:6], SIZE)
    assert np.allclose(seen(pixels, views, "none"), pixels, atol=1e-3)


def determinants(preset: str) -> np.ndarray:
    a, b, _, c, d = augmentation.draw(preset, 0, 1, DIGESTS, SIZE).transforms[:, :5].T
    return a * d - b * c


@pytest.mark.parametrize("preset", ["chest", "robust"])
def test_a_chest_is_never_mirrored(preset: str) -> None:
    assert (determinants(preset) > 0).all()
    top, left, bottom, right = augmentation.draw(preset, 0, 1, DIGESTS, SIZE).boxes.T
    assert (top < bottom).all()
    assert (left < right).all()


def test_a_document_sometimes_is() -> None:
    assert 0.2 < np.mean(determinants("document") < 0) < 0.8


def test_a_chest_view_stays_close_to_the_image() -> None:
    centre = np.array([(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2, 1])
    views = augmentation.draw("chest", 0, 1, DIGESTS, SIZE)
    for transform, tones in zip(views.transforms, views.tones, strict=True):
        away = transform[:6].reshape(2, 3) @ centre - centre[:2]
        assert abs(away[0]) <= 0.05 * SIZE[1] + 1e-4
        assert abs(away[1]) <= 0.05 * SIZE[0] + 1e-4
        assert 0.85 <= tones[1] <= 1.15
        assert abs(tones[2]) <= 25.5
    assert (views.qualities == BEST_QUALITY).all()
    assert not views.noise.any()


def test_a_robust_view_is_within_what_the_preset_names() -> None:
    views = augmentation.draw("robust", 0, 1, DIGESTS, SIZE)
    left_over = views.boxes[:, 2:] - views.boxes[:, :2]
    assert views.boxes.min() >= 0
    assert views.boxes.max() <= 1 + 1e-6
    assert 0.82 - 1e-6 <= left_over.min() < 0.85
    assert 0.97 < left_over.max() <= 1
    structured = views.detail[views.blank == 0]
    assert 64 <= structured.min() < 75
    assert 150 < views.detail.max() <= 160
    assert np.exp(-0.35) - 1e-6 <= views.tones[:, 0].min() < 0.8
    assert 1.25 < views.tones[:, 0].max() <= np.exp(0.35) + 1e-6
    assert np.abs(views.tones[:, 3]).max() <= 1
    assert 0 <= views.noise.min() < views.noise.max() <= 7
    compressed = views.qualities < BEST_QUALITY
    assert 0.15 < compressed.mean() < 0.45
    assert views.qualities.min() >= 15
    assert len(np.unique(views.seeds, axis=0)) == len(DIGESTS)


@pytest.mark.parametrize("preset", ["chest", "document"])
def test_no_black_border_appears(preset: str) -> None:
    white = np.full((len(DIGESTS), *SIZE, 3), 255, np.float32)
    views = augmentation.draw(preset, 0, 1, DIGESTS, SIZE)
    plain = views._replace(tones=still().tones.repeat(len(DIGESTS), axis=0))
    assert np.allclose(seen(white, plain, preset), 255, atol=1e-3)


def test_a_shift_takes_pixels_from_where_it_says() -> None:
    pixels = noise(1)
    moved = seen(pixels, still(transforms=[1, 0, 5, 0, 1, -3, 0, 0]), "chest")
    assert np.allclose(moved[:, 3:, :-5], pixels[:, :-3, 5:])
    assert np.allclose(moved[:, 3:, -5:], pixels[:, :-3, -1:])  # the border is repeated


def test_a_quarter_turn_about_the_centre() -> None:
    pixels = noise(1, (16, 16))
    upright = np.array([1, 0, 0, 0, 0, 0, 0, 0, 0], float)  # only the angle, in full
    turn = augmentation._transform(Preset(rotation=90), upright, (16, 16))
    turned = seen(pixels, still(transforms=turn), "chest")
    # A pixel of the view at (x, y) about the centre comes from (-y, x).
    assert np.allclose(turned[0], np.rot90(pixels[0]), atol=0.5)


def test_a_flip_is_a_mirror_image() -> None:
    pixels, sides = noise(1), np.array([0, 0, 0, 0, 1, 0, 0, 0, 0])
    flipped = still(transforms=augmentation._transform(Preset(flip=True), sides, SIZE))
    assert np.allclose(seen(pixels, flipped, "document"), pixels[:, :, ::-1], atol=1e-2)


def test_exposure_changes_about_mid_gray_and_stays_in_range() -> None:
    gray = np.array([0, 100, 127.5, 200, 255], np.float32).reshape(1, 1, 5, 1)
    changed = seen(gray, still(tones=[1, 1.5, 10, 0]), "chest").ravel()
    assert changed == pytest.approx([0, 96.25, 137.5, 246.25, 255])


def test_a_robust_view_that_changes_nothing_is_the_image() -> None:
    pixels = noise(1)
    np.testing.assert_allclose(seen(pixels, still(), "robust"), pixels, atol=1e-3)


def test_a_crop_is_cut_out_and_enlarged() -> None:
    pixels = noise(1, (40, 40))
    box = [0.25, 0.1, 0.75, 0.6]
    cropped = seen(pixels, still(boxes=box), "robust", size=(20, 20))
    np.testing.assert_allclose(cropped[0], pixels[0, 10:30, 4:24], atol=0.01)


def test_a_crop_is_one_of_the_part_that_is_seen() -> None:
    pixels = noise(1, (40, 40))
    parts = np.array([[0.5, 0.0, 1.0, 0.5]], np.float32)
    cropped = seen(pixels, still(boxes=[0.0, 0.5, 0.5, 1.0]), "robust", parts=parts, size=(10, 10))
    np.testing.assert_allclose(cropped[0], pixels[0, 20:30, 10:20], atol=0.01)
    kept = seen(pixels, still(), "chest", parts=parts, size=(20, 20))  # it crops nothing itself
    np.testing.assert_allclose(kept, cut(pixels, parts, (20, 20)), atol=0.01)


def test_less_detail_takes_fine_stripes_and_leaves_coarse_ones() -> None:
    place = np.arange(96)
    fine, coarse = 128 + 100 * (-1.0) ** place, 128 + 100 * np.sin(2 * np.pi * place / 24)
    stripes = np.stack([fine, coarse])[:, None, :, None].repeat(96, axis=1).astype(np.float32)
    reduced = seen(stripes, joined([still(detail=40)] * 2), "robust")
    assert np.ptp(reduced[0, :, 5:-5]) < 40
    assert np.ptp(reduced[1, :, 5:-5]) > 150
    np.testing.assert_allclose(seen(stripes, joined([still()] * 2), "robust"), stripes, atol=1e-2)


def test_an_exponent_bends_the_gray_scale_and_keeps_its_ends() -> None:
    gray = np.array([0, 64, 128, 255], np.float32).reshape(1, 1, 4, 1)
    for exponent in (0.7, 1.4):
        bent = seen(gray, still(tones=[exponent, 1, 0, 0]), "robust").ravel()
        np.testing.assert_allclose(bent, 255 * (gray.ravel() / 255) ** exponent, atol=1e-2)


def test_sharpness_steepens_or_flattens_an_edge_and_leaves_an_area() -> None:
    edge = np.repeat([80.0, 160.0], 8).astype(np.float32)[None, None, :, None].repeat(9, axis=1)
    sharp, soft = (seen(edge, still(tones=[1, 1, 0, s]), "robust")[0, 4, :, 0] for s in (0.9, -0.9))
    assert sharp[8] - sharp[7] > 100
    assert soft[8] - soft[7] < 50
    for one in (sharp, soft):
        np.testing.assert_allclose(one[2:6], 80, atol=1e-2)
        np.testing.assert_allclose(one[10:14], 160, atol=1e-2)


def test_noise_is_as_strong_as_it_says_and_the_same_on_all_channels() -> None:
    gray = np.full((2, 60, 60, 3), 120, np.float32)
    both = joined([still(noise=6, seeds=[1, 2]), still(noise=3, seeds=[3, 4])])
    added = seen(gray, both, "robust") - 120
    assert added.std(axis=(1, 2, 3)) == pytest.approx([6, 3], rel=0.05)
    assert abs(added.mean()) < 0.3
    np.testing.assert_array_equal(added, added[..., :1].repeat(3, axis=-1))
    assert abs(np.corrcoef(added[0, ..., 0].ravel(), added[1, ..., 0].ravel())[0, 1]) < 0.1
    np.testing.assert_array_equal(seen(gray, both, "robust") - 120, added)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_view_is_stored_as_another_library_stores_a_jpeg(channels: int) -> None:
    down, across = np.mgrid[:48, :64]
    gray = (128 + 60 * np.sin(down / 3) + 40 * np.cos(across / 2)).astype(np.float32)
    pixels = gray[None, ..., None].repeat(channels, axis=-1)
    stored = seen(pixels, still(qualities=15), "robust")
    file = io.BytesIO()
    Image.fromarray(np.rint(gray).astype(np.uint8)).save(file, "JPEG", quality=15)
    wanted = np.asarray(Image.open(file), np.float32)
    assert np.abs(wanted - gray).mean() > 3  # it does something
    assert np.abs(stored[0, ..., 0] - wanted).mean() < 1


@pytest.mark.parametrize("preset", ["chest", "robust"])
def test_what_is_seen_follows_from_seed_round_and_content(preset: str) -> None:
    pixels = noise(6, (48, 40))

    def drawn(rows: slice, seed: int = 0, round_: int = 1) -> np.ndarray:
        views = augmentation.draw(preset, seed, round_, DIGESTS[:6][rows], (48, 40))
        return seen(pixels[rows], views, preset)

    together = drawn(slice(0, 6))
    np.testing.assert_array_equal(drawn(slice(0, 6)), together)
    assert np.abs(drawn(slice(2, 4)) - together[2:4]).mean() < 0.1  # its company plays no part
    for other in (drawn(slice(0, 6), seed=1), drawn(slice(0, 6), round_=2)):
        assert (np.abs(other - together).mean(axis=(1, 2, 3)) > 5).all()


MANY = [f"{n:016x}" for n in range(600)]


def test_of_few_robust_views_nothing_is_left_and_of_many_the_surroundings_are_anothers() -> None:
    views = augmentation.draw("robust", 0, 1, MANY, SIZE)
    assert 0.03 < views.blank.mean() < 0.09
    assert 0.3 < views.transplanted.mean() < 0.4
    assert set(np.unique(views.blank)) == set(np.unique(views.transplanted)) == {0, 1}
    blank = views.blank == 1
    assert views.detail[blank].min() >= 2
    assert views.detail[blank].max() <= 6
    assert views.detail[~blank].min() >= 64
    for preset in ("chest", "document", "none"):
        others = augmentation.draw(preset, 0, 1, DIGESTS, SIZE)
        assert not others.blank.any()
        assert not others.transplanted.any()


def test_a_view_of_which_nothing_is_left_shows_no_structure() -> None:
    """Of stripes as wide as ribs hardly anything is left."""
    across = np.arange(96)
    ribs = 128 + 100 * np.sign(np.sin(2 * np.pi * across / 12))
    pixels = ribs[None, :, None, None].repeat(96, axis=2).astype(np.float32)
    views = augmentation.draw("robust", 0, 1, MANY, (96, 96))
    empty = Views(*(field[views.blank == 1] for field in views))
    details = np.unique(empty.detail)[[0, -1]]
    for detail in details:
        assert np.ptp(seen(pixels, still(detail=detail), "robust")[0, 16:-16]) < 40
    assert np.ptp(seen(pixels, still(detail=64), "robust")[0, 16:-16]) > 120


@given(st.integers(2, 5), st.lists(st.booleans(), min_size=1, max_size=9))
def test_where_nothing_is_left_no_class_is_the_right_one(classes: int, blank: list[bool]) -> None:
    targets = np.eye(classes, dtype=np.float32)[np.arange(len(blank)) % classes]
    views = joined(still(blank=float(one)) for one in blank)
    given_back = augmentation.softened(targets, views)
    assert given_back.dtype == np.float32
    for found, target, nothing in zip(given_back, targets, blank, strict=True):
        np.testing.assert_allclose(found, 1 / classes if nothing else target, rtol=1e-6)


GRAYS = np.array([40, 200, 120], np.float32)
LEFT = np.zeros((3, 12, 12, 1), np.float32)
LEFT[:, :, :6] = 1
"""Of each picture the left half is what it is cut to."""


def test_a_transplanted_view_keeps_what_is_inside_and_has_anothers_surroundings() -> None:
    pixels = GRAYS[:, None, None, None] * np.ones((3, *SIZE, 3), np.float32)
    views = joined([still(transplanted=1), still(), still(transplanted=1)])
    found = seen(pixels, views, "robust", masks=LEFT)
    np.testing.assert_allclose(found[..., :14, :].mean(axis=(1, 2, 3)), GRAYS, atol=0.1)
    outside = found[..., 18:, :]
    np.testing.assert_allclose(outside.mean(axis=(1, 2, 3)), [120, 200, 200], atol=0.1)
    assert outside.std(axis=(1, 2, 3)).max() < 0.1


def test_without_masks_nothing_is_transplanted() -> None:
    pixels = noise(3)
    views = joined([still(transplanted=1)] * 3)
    np.testing.assert_allclose(seen(pixels, views, "robust"), pixels, atol=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"boxes": [0.1, 0.2, 0.9, 0.95]},
        {"transforms": [1, 0, 9, 0, 1, -6, 0, 0]},
        {"transforms": [0.95, 0.3, -6, -0.3, 0.95, 8, 0, 0]},
    ],
)
def test_what_is_inside_moves_with_the_picture(change: dict[str, Any]) -> None:
    """White lungs on black before white: were they cut off elsewhere, some black were left."""
    masks = np.zeros((2, 24, 24, 1), np.float32)
    masks[:, 6:18, 4:16] = 1
    lungs = np.asarray(cut(masks, np.float32([[0, 0, 1, 1]] * 2), (96, 96)))
    pixels = 255 * np.concatenate([lungs[:1], np.ones((1, 96, 96, 1), np.float32)])
    views = joined([still(transplanted=1, **change), still(**change)])
    found = seen(pixels, views, "robust", masks=masks)
    assert found[0].min() > 120  # at the very rim half of either is seen
    alone = joined([still(**change), still(**change)])
    assert seen(pixels, alone, "robust", masks=masks)[0].min() < 5
