from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.base import cache, shards
from zoo.base.pictures import images
from zoo.base.progress import SILENT, Silent
from zoo.base.registry import load_registry
from zoo.base.types import Dataset
from zoo.data import pipeline, pixels
from zoo.data.frames import Frames
from zoo.data.proportions import read_shaped
from zoo.data.queries import read_images
from zoo.data.verify import Verified, verify

SIZE = (24, 20)
SHAPE = (*SIZE, 3)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pixels"


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were decoded."""
    made: list[str] = []

    def counted(decode: Callable[..., object]) -> Callable[..., object]:
        def decoding(source: Path, name: str, target: images.Target) -> object:
            made.append(name)
            return decode(source, name, target)

        return decoding

    monkeypatch.setattr(images, "decoded", counted(images.decoded))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Gray pictures of two classes, and below `mixed` pictures of every kind."""
    random = np.random.default_rng(0)
    for number in range(10):
        path = tmp_path / "gray" / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = random.integers(0, 256, (6, 7), np.uint8)
        Image.fromarray(coarse).resize((140, 120)).save(path, quality=90)
    return tmp_path / "gray"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Pictures of every kind: gray, colour, upright by a tag alone, and deep."""
    random = np.random.default_rng(1)
    for label in "ab":
        place = tmp_path / "mixed" / label
        place.mkdir(parents=True)
        gray = Image.fromarray(random.integers(0, 256, (60, 50), np.uint8))
        gray.save(place / "gray.png")
        Image.fromarray(random.integers(0, 256, (60, 50, 3), np.uint8)).save(place / "rgb.png")
        turned = Image.Exif()
        turned[0x0112] = 6
        gray.resize((90, 40)).save(place / "turned.jpg", exif=turned)
        deep = random.integers(0, 4000, (50, 60), np.uint16)
        Image.fromarray(deep).save(place / "deep.png")
    return tmp_path / "mixed"


def opened(
    folder: Path, size: tuple[int, int] | None = SIZE, progress: Silent = SILENT
) -> Verified:
    return verify(
        load_registry().dataset(str(folder)), skip_broken=False, progress=progress, size=size
    )


def all_pixels(data: Dataset) -> list[np.ndarray]:
    return [data.read(sample, SIZE) for sample in data.samples]


def test_what_was_verified_at_a_size_is_not_decoded_again(folder, decodings):
    data = opened(folder).dataset
    assert len(decodings) == len(data.samples)
    all_pixels(data)
    list(pipeline.batches(data, data.samples, SHAPE))
    assert len(decodings) == len(data.samples)
    all_pixels(opened(folder).dataset)  # nor by another command
    assert len(decodings) == len(data.samples)
    data.read(data.samples[0], (30, 30))
    assert len(decodings) == len(data.samples) + 1


def test_another_size_is_kept_after_one_pass(folder, decodings):
    data = opened(folder).dataset
    list(pipeline.batches(data, data.samples, (30, 30, 1)))
    made = len(decodings)
    assert made == 2 * len(data.samples)
    list(pipeline.batches(data, data.samples, (30, 30, 1)))
    assert len(decodings) == made


def test_pixels_and_shapes_are_those_of_the_files(mixed, monkeypatch):
    monkeypatch.setenv("ZOO_PIXELS", "0")
    plain = opened(mixed)
    expected = [read_shaped(plain.dataset, s, SIZE) for s in plain.dataset.samples]
    monkeypatch.delenv("ZOO_PIXELS")
    first = opened(mixed)
    all_pixels(first.dataset)
    pixels.keep(first.dataset)
    again = opened(mixed)
    assert again.fingerprint == plain.fingerprint
    assert again.levels == plain.levels  # how deep pictures are is still found out
    assert again.levels
    for done in (first, again):
        for sample, (values, shape) in zip(done.dataset.samples, expected, strict=True):
            assert values.shape == SHAPE
            np.testing.assert_array_equal(done.dataset.read(sample, SIZE), values)
            assert read_shaped(done.dataset, sample, SIZE)[1] == shape
            np.testing.assert_array_equal(
                done.dataset.read(sample, None), plain.dataset.read(sample, None)
            )


def test_reading_alone_is_sent_to_another_process(mixed):
    cloudpickle = pytest.importorskip("cloudpickle")
    data = opened(mixed).dataset
    sent = cloudpickle.dumps(data.read)
    read = pickle.loads(sent)  # noqa: S301 (made above)
    for sample in data.samples:
        np.testing.assert_array_equal(read(sample, SIZE), data.read(sample, SIZE))
        assert data.digest(sample).encode() not in sent  # else it would grow with the data


def test_a_deep_picture_is_another_one_at_another_depth(mixed):
    values = []
    for bits in (12, 16):
        data = verify(
            load_registry().dataset(str(mixed)), skip_broken=False, progress=SILENT, bits=bits
        ).dataset
        deep = next(s for s in data.samples if "deep" in s.name)
        values.append(data.read(deep, SIZE).mean())
        pixels.keep(data)
    assert values[0] > 10 * values[1]


def streamed(data: Verified, preset: str, channels: int, *, framed: bool) -> list[np.ndarray]:
    samples = data.dataset.samples
    digests = [data.digests[s.name] for s in samples]
    frames = None
    if framed:
        boxes = {d: np.array([0.1, 0.2, 0.9, 0.7], np.float32) for d in digests}
        frames = Frames(SIZE, boxes, {d: np.ones((4, 4), np.float32) for d in digests}, "known")
    batches = pipeline.training_batches(
        data.dataset,
        samples,
        digests,
        (16, 16, channels) if framed else (*SIZE, channels),
        np.eye(2, dtype=np.float32)[[s.label for s in samples]],
        np.ones(len(samples), np.float32),
        frames=frames,
        batch_size=4,
        preset=preset,
        seed=3,
        rounds=(0, 1),
    )
    return [values.numpy() for batch in batches for values in batch]


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize(("preset", "channels"), [("robust", 3), ("chest", 1), ("none", 3)])
def test_an_epoch_is_the_same_with_and_without_what_is_kept(
    folder, monkeypatch, decodings, preset, channels, framed
):
    monkeypatch.setenv("ZOO_PIXELS", "0")
    expected = streamed(opened(folder), preset, channels, framed=framed)
    monkeypatch.delenv("ZOO_PIXELS")
    data = opened(folder)
    made = len(decodings)
    found = streamed(data, preset, channels, framed=framed)
    assert len(decodings) == made
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_file_that_was_changed_is_not_kept_as_what_it_was(folder, kept):
    data = opened(folder, size=None).dataset
    sample = data.samples[0]
    path = folder / sample.name
    before = path.read_bytes()
    old = images.read_image(path, SIZE)
    Image.new("L", (99, 99), 7).save(path)
    assert data.read(sample, SIZE).max() < 20
    pixels.keep(data)
    path.write_bytes(before)
    np.testing.assert_array_equal(opened(folder).dataset.read(sample, SIZE), old)


def test_damage_is_found_and_the_file_decoded(folder, kept, decodings):
    expected = all_pixels(opened(folder).dataset)
    made = len(decodings)
    (rows,) = kept.rglob(f"*{shards.ROWS}")
    content = bytearray(rows.read_bytes())
    content[-5] ^= 1
    rows.write_bytes(content)
    for a, b in zip(expected, all_pixels(opened(folder).dataset), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(decodings) > made


def test_nothing_is_kept_where_nothing_may_be(folder, kept, monkeypatch):
    monkeypatch.setenv("ZOO_PIXELS", "0")
    all_pixels(opened(folder).dataset)
    assert not kept.exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions of another kind")
def test_pictures_are_for_the_user_alone(folder, kept):
    opened(folder)
    assert kept.stat().st_mode & 0o077 == 0


def test_a_cache_that_cannot_be_written_costs_one_line(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    said = []

    class Told(Silent):
        def warn(self, message: str) -> None:
            said.append(message)

    data = opened(folder, progress=Told()).dataset
    list(pipeline.batches(data, data.samples, (30, 30, 3)))
    list(pipeline.batches(data, data.samples, SHAPE))
    assert len(said) == 1


def test_the_least_recently_used_leave_first(folder, kept, monkeypatch):
    for side in (20, 21, 22):
        opened(folder, size=(side, side))
    indexes = {path.parent.parent.name: path for path in kept.rglob(f"*{shards.INDEX}")}
    for age, side in enumerate((21, 20, 22)):
        os.utime(indexes[f"{images.READING}-{side}x{side}"], (age, age))
    monkeypatch.setattr(shards, "_in_use", set())  # as in another process
    new = 23 * 23 * 10
    monkeypatch.setenv("ZOO_PIXELS", str(shards.size_of(kept) + new - 1))
    opened(folder, size=(23, 23))
    left = {path.parent.parent.name.split("-")[1] for path in kept.rglob(f"*{shards.INDEX}")}
    assert left == {"20x20", "22x22", "23x23"}


def test_what_is_in_use_does_not_leave_for_more(folder, kept, monkeypatch, decodings):
    data = opened(folder).dataset
    monkeypatch.setenv("ZOO_PIXELS", "3KB")
    list(pipeline.batches(data, data.samples, (30, 30, 3)))
    made = len(decodings)
    all_pixels(data)
    assert len(decodings) == made


def test_a_few_images_that_are_asked_about_are_kept_with_others(folder, kept, monkeypatch):
    monkeypatch.setattr(pixels, "FEWEST", 4)
    files = sorted(folder.rglob("*.*"))[:8]
    for file in files:
        list(read_images([file], SHAPE, "none", 4))
    assert not [*kept.rglob(f"*{shards.INDEX}")]
    reader = pixels.FileReader(SHAPE[:2], None)
    for file in files:
        list(read_images([file], SHAPE, "none", 4, reader=reader))
    assert len([*kept.rglob(f"*{shards.INDEX}")]) == 2


def test_images_that_are_asked_about_are_decoded_once(mixed, decodings, monkeypatch):
    monkeypatch.setattr(pixels, "FEWEST", 1)
    files = sorted(mixed.rglob("*.*"))
    first, again = (
        [batch for batch, _ in read_images(files, SHAPE, "none", 4, bits=12)] for _ in range(2)
    )
    assert len(decodings) == len(files)
    for a, b in zip(first, again, strict=True):
        assert a is not None
        assert b is not None
        np.testing.assert_array_equal(a.pixels, b.pixels)
        assert (a.names, a.shapes, a.digests) == (b.names, b.shapes, b.digests)


def test_small_files_of_images_are_made_once(mixed):
    made = []

    def make(sample):
        made.append(sample.name)
        return sample.name.encode()  # of several lengths

    data = opened(mixed).dataset
    first = pixels.kept_files(data, data.samples, "text", make)
    assert first == [sample.name.encode() for sample in data.samples]
    assert sorted(made) == sorted(sample.name for sample in data.samples)
    again = opened(mixed).dataset
    reordered = again.samples[::-1]
    assert pixels.kept_files(again, reordered, "text", make) == first[::-1]
    assert len(made) == len(first)
    pixels.kept_files(again, reordered, "other", make)
    assert len(made) == 2 * len(first)


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("500MB", 5 * 10**8), ("2.5 gb", 25 * 10**8), ("12", 12)]
)
def test_sizes_are_read(text, size):
    assert cache.bytes_of(text, "it") == size
