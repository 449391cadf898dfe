from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from plugins.readers.image_folder import zoo_read_dataset as read_folder
from plugins.readers.phantom import zoo_read_dataset
from zoo import Dataset, Sample
from zoo.checks import similarity
from zoo.checks.similarity import SIDE, correlation, similar_pairs, small_pictures

REAL = Path(__file__).parents[3] / "shared" / "data"
Change = Callable[[Image.Image], Image.Image]
COUNT = 40


def encoded(quality: int) -> Change:
    def change(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(io.BytesIO(buffer.getvalue()))

    return change


def pixels_of(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def held(pixels: dict[str, np.ndarray]) -> Dataset:
    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        assert size is not None
        image = Image.fromarray(pixels[sample.name])
        return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR))

    return Dataset(
        source="here",
        class_names=("a", "b"),
        samples=tuple(Sample(name, 0, name) for name in pixels),
        read=read,
        digest=lambda sample: sample.name,
    )


@pytest.fixture(scope="module")
def chests() -> dict[str, np.ndarray]:
    """Drawings of different patients at 128 x 128, the first ones with one picture each."""
    dataset = zoo_read_dataset("phantom", {"images": "120", "size": "128"})
    assert dataset is not None
    firsts = [s for s in dataset.samples if s.name.endswith("-0")][:COUNT]
    return {s.name: dataset.read(s, None) for s in firsts}


def searched(pixels: dict[str, np.ndarray]) -> list[tuple[int, int]]:
    dataset = held(pixels)
    found = similar_pairs(small_pictures(dataset, dataset.samples))
    return [(int(a), int(b)) for a, b in found]


def test_different_patients_are_no_duplicates(chests: dict[str, np.ndarray]) -> None:
    assert searched(chests) == []


@pytest.mark.parametrize(
    "change",
    [
        encoded(90),
        encoded(20),
        lambda image: image.resize((64, 64)),
        lambda image: image.resize((300, 250)),
        lambda image: ImageEnhance.Brightness(image).enhance(0.8),
        lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    ],
    ids=["jpeg 90", "jpeg 20", "smaller", "larger", "darker", "flatter"],
)
def test_planted_copies_are_found_though_their_files_differ(
    chests: dict[str, np.ndarray], change: Change
) -> None:
    names = list(chests)[:5]
    copies = {f"copy {n}": pixels_of(change(Image.fromarray(chests[n]))) for n in names}
    found = searched({**chests, **copies})
    assert found == [(i, COUNT + i) for i in range(5)]


def test_a_mirrored_copy_is_found(chests: dict[str, np.ndarray]) -> None:
    mirrored = pixels_of(ImageOps.mirror(Image.fromarray(chests[list(chests)[3]])))
    assert searched({**chests, "mirrored": mirrored}) == [(3, COUNT)]


@given(st.integers(0, 2**32), st.integers(2, 24), st.floats(0.5, 20))
@settings(max_examples=25, deadline=None)
def test_every_pair_is_found_that_comparing_all_finds(seed: int, count: int, noise: float) -> None:
    random = np.random.default_rng(seed)
    kinds = random.normal(128, 40, (1 + count // 4, SIDE, SIDE))
    pictures = kinds[random.integers(0, len(kinds), count)]
    pictures = np.where(random.random((count, 1, 1)) < 0.5, pictures, pictures[:, :, ::-1])
    noisy = pictures + random.normal(0, noise * random.random((count, 1, 1)), pictures.shape)
    gray = np.clip(noisy, 0, 255).astype(np.uint8)
    first, second = np.triu_indices(count, 1)
    same = correlation(gray[first], gray[second]) > similarity.SAME_PICTURE
    expected = np.stack([first, second], axis=1)[same]
    np.testing.assert_array_equal(similar_pairs(gray), expected)


def test_what_is_compared_hardly_grows_with_the_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pairs of 1,200 pictures would be 16 times those of 300; only copies are compared."""
    compared = []

    def counted(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        compared.append(len(first))
        return correlation(first, second)

    monkeypatch.setattr(similarity, "correlation", counted)
    coarse = np.random.default_rng(0).integers(0, 256, (1200, 8, 8), np.uint8)
    gray = coarse.repeat(SIDE // 8, axis=1).repeat(SIDE // 8, axis=2)
    gray[1] = np.clip(gray[0], 4, 250)
    numbers = []
    for count in (300, 1200):
        compared.clear()
        assert similar_pairs(gray[:count]).tolist() == [[0, 1]]
        numbers.append(sum(compared))
    assert numbers[1] <= 4 * numbers[0]


def test_only_the_rows_that_are_asked_for_are_compared(chests: dict[str, np.ndarray]) -> None:
    dataset = held(chests)
    gray = small_pictures(dataset, dataset.samples)
    gray[5], gray[9] = gray[2], gray[2]
    assert similar_pairs(gray, np.array([2, 3, 9])).tolist() == [[2, 9]]


def test_correlation_is_that_of_numpy_or_of_the_mirror_image() -> None:
    a, b = np.random.default_rng(1).integers(0, 256, (2, 6, 16, 16), np.uint8)
    for k, value in enumerate(correlation(a, b)):
        straight = np.corrcoef(a[k].ravel(), b[k].ravel())[0, 1]
        mirrored = np.corrcoef(a[k].ravel(), b[k][:, ::-1].ravel())[0, 1]
        assert value == pytest.approx(max(straight, mirrored), abs=1e-5)
    np.testing.assert_allclose(correlation(a, a[:, :, ::-1]), 1, atol=1e-5)


def test_pictures_of_one_gray_are_not_called_copies() -> None:
    gray = {f"{n}": np.full((20, 20, 3), n, np.uint8) for n in range(10)}
    assert searched(gray) == []


def test_pairs_do_not_depend_on_how_the_work_is_cut(
    chests: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = {**chests, **{f"copy {name}": chests[name] for name in chests}}
    whole = searched(everything)
    monkeypatch.setattr(similarity, "CHUNK", 7)
    monkeypatch.setattr(similarity, "CHUNK_PAIRS", 3)
    assert searched(everything) == whole
    assert whole == [(i, COUNT + i) for i in range(COUNT)]


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="the real X-rays are not on this machine")
def test_forty_radiographs_are_recognised_in_another_size_and_mode() -> None:
    originals = read_folder(str(REAL / "originals"), {})
    squashed = read_folder(str(REAL / "chest_xray"), {})
    assert originals is not None
    assert squashed is not None
    stems = {Path(s.name).stem for s in originals.samples}
    alike = [s for s in squashed.samples if Path(s.name).stem in stems]
    others = [s for s in squashed.samples if Path(s.name).stem not in stems][::12]
    gray = [
        small_pictures(originals, originals.samples),
        small_pictures(squashed, [*alike, *others]),
    ]
    found = similar_pairs(np.concatenate(gray))
    names = [Path(s.name).stem for s in (*originals.samples, *alike, *others)]
    assert len(found) == len(originals.samples) == 40
    assert all(names[a] == names[b] for a, b in found)
