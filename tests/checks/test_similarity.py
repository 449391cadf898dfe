from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
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


def searched(
    pixels: dict[str, np.ndarray], embeddings: np.ndarray | None = None
) -> list[tuple[int, int, float]]:
    dataset = held(pixels)
    return similar_pairs(*small_pictures(dataset, dataset.samples), embeddings)


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
    assert [(a, b) for a, b, _ in found] == [(i, COUNT + i) for i in range(5)]
    assert all(value > 0.995 for *_, value in found)


def test_a_mirrored_copy_is_found_by_its_embedding(chests: dict[str, np.ndarray]) -> None:
    mirrored = pixels_of(ImageOps.mirror(Image.fromarray(chests[list(chests)[3]])))
    everything = {**chests, "mirrored": mirrored}
    assert searched(everything) == []
    embeddings = np.random.default_rng(0).normal(size=(COUNT + 1, 200)).astype(np.float32)
    embeddings[COUNT] = embeddings[3] + 0.3 * embeddings[COUNT]
    assert [(a, b) for a, b, _ in searched(everything, embeddings)] == [(3, COUNT)]


def test_a_close_embedding_alone_is_not_enough(chests: dict[str, np.ndarray]) -> None:
    embeddings = np.random.default_rng(0).normal(size=(COUNT, 200)).astype(np.float32)
    embeddings[1] = embeddings[0]
    assert searched(chests, embeddings) == []


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
    monkeypatch.setattr(similarity, "HASH_CELLS", 7 * len(everything))
    monkeypatch.setattr(similarity, "CHUNK_PAIRS", 3)
    assert searched(everything) == whole
    assert [(a, b) for a, b, _ in whole] == [(i, COUNT + i) for i in range(COUNT)]


def test_hashes_hold_256_bits(chests: dict[str, np.ndarray]) -> None:
    dataset = held(chests)
    gray, hashes = small_pictures(dataset, dataset.samples)
    assert (gray.shape, gray.dtype) == ((COUNT, SIDE, SIDE), np.uint8)
    assert (hashes.shape, hashes.dtype) == ((COUNT, 4), np.uint64)
    assert len(np.unique(hashes, axis=0)) == COUNT


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
    gray, hashes = zip(
        small_pictures(originals, originals.samples),
        small_pictures(squashed, [*alike, *others]),
        strict=True,
    )
    found = similar_pairs(np.concatenate(gray), np.concatenate(hashes))
    names = [Path(s.name).stem for s in (*originals.samples, *alike, *others)]
    assert len(found) == len(originals.samples) == 40
    assert all(names[a] == names[b] for a, b, _ in found)
