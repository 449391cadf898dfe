from __future__ import annotations

import io
import os
import pickle
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.readers.npz import medmnist, unpacked, zoo_read_dataset
from zoo import BadInput, Dataset, UnknownName, ZooError

REAL = Path(__file__).parents[4] / "shared" / "data" / "breastmnist.npz"


def arrays(colour: bool = False) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    made = {}
    for split, count in (("train", 6), ("val", 3), ("test", 4)):
        shape = (count, 28, 28, 3) if colour else (count, 28, 28)
        made[f"{split}_images"] = rng.integers(0, 256, shape, dtype=np.uint8)
        made[f"{split}_labels"] = (np.arange(count) % 2).astype(np.uint8)[:, None]
    return made


def index(path: Path, content: dict[str, Any], **options: str) -> Dataset:
    np.savez_compressed(path / "set.npz", **content)
    dataset = zoo_read_dataset(str(path / "set.npz"), options)
    assert dataset is not None
    return dataset


def test_other_locations_are_declined(tmp_path: Path) -> None:
    (tmp_path / "folder.npz").mkdir()
    for location in ("phantom", "a.csv", "", str(tmp_path / "folder.npz")):
        assert zoo_read_dataset(location, {}) is None


def test_threads_that_ask_at_once_share_an_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, load, loads = index(tmp_path, arrays()), np.load, []

    def slowly(*given: Any, **options: Any) -> Any:
        loads.append(given)
        time.sleep(0.05)
        return load(*given, **options)

    monkeypatch.setattr(np, "load", slowly)
    with ThreadPoolExecutor(4) as threads:
        train = [sample for sample in dataset.samples if sample.split == "train"]
        assert len(set(threads.map(dataset.digest, train))) == 6
    assert len(loads) == 1


@pytest.mark.parametrize("colour", [False, True])
def test_images_labels_and_splits(tmp_path: Path, colour: bool) -> None:
    content = arrays(colour)
    dataset = index(tmp_path, content)
    assert dataset.class_names == ("class 0", "class 1")
    splits = [sample.split for sample in dataset.samples]
    assert [splits.count(s) for s in ("train", "validation", "test")] == [6, 3, 4]
    for sample in dataset.samples:
        split, number = sample.name.split("/")
        stored = content[f"{split}_images"][int(number)]
        pixels = dataset.read(sample, None)
        assert pixels.shape == (28, 28, 3)
        np.testing.assert_array_equal(pixels, stored if colour else stored[..., None] + [0, 0, 0])
        assert sample.label == content[f"{split}_labels"][int(number), 0]
    assert dataset.read(dataset.samples[0], (40, 50)).shape == (40, 50, 3)


def test_names_and_digests_are_unique_and_the_reader_travels(tmp_path: Path) -> None:
    dataset = index(tmp_path, arrays())
    assert len({s.name for s in dataset.samples}) == len(dataset.samples)
    assert len({dataset.digest(s) for s in dataset.samples}) == len(dataset.samples)
    assert [s.name for s in dataset.samples] == sorted(s.name for s in dataset.samples)
    digest = pickle.loads(pickle.dumps(dataset.digest))  # noqa: S301
    assert digest(dataset.samples[0]) == dataset.digest(dataset.samples[0])


def test_a_changed_archive_is_read_again(tmp_path: Path) -> None:
    content = arrays()
    before = index(tmp_path, content)
    assert before.read(before.samples[0], None).any()
    content["test_images"] *= 0
    after = index(tmp_path, content)
    assert not after.read(after.samples[0], None).any()


def test_classes_can_be_named(tmp_path: Path) -> None:
    assert index(tmp_path, arrays(), classes="well,ill").class_names == ("well", "ill")
    with pytest.raises(BadInput, match="different name"):
        index(tmp_path, arrays(), classes="well")
    with pytest.raises(UnknownName, match="Did you mean 'classes'"):
        index(tmp_path, arrays(), class_="a")


def test_a_split_may_be_missing(tmp_path: Path) -> None:
    content = {key: value for key, value in arrays().items() if not key.startswith("val")}
    assert {s.split for s in index(tmp_path, content).samples} == {"train", "test"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train_labels": None}, "no 'train_labels'"),
        ({"train_images": np.zeros((6, 28, 28), np.float32)}, "float32"),
        ({"train_images": np.zeros((6, 28), np.uint8)}, r"\(6, 28\)"),
        ({"train_images": np.zeros((6, 28, 28, 28), np.uint8)}, r"\(6, 28, 28, 28\)"),
        ({"train_labels": np.zeros((5, 1), np.uint8)}, "for 6 images"),
        ({"train_labels": np.zeros((6, 1), np.float64)}, "float64"),
        ({"train_labels": np.zeros((6, 14), np.uint8)}, r"14 labels an image.*\?finding=6'"),
        ({"train_images": np.zeros((6, 9, 9, 9), np.uint8)}, "look like volumes"),
        ({"train_labels": np.full((6, 1), 7)}, "without gaps"),
        ({"train_labels": np.full((6, 1), -1)}, "counted from 0"),
        ({"train_labels": np.array([[None]] * 6)}, "object"),
        ({"train_images": np.array([None] * 6)}, "object"),
    ],
)
def test_unusable_arrays_are_refused(
    tmp_path: Path, change: dict[str, np.ndarray | None], words: str
) -> None:
    content = {k: v for k, v in (arrays() | change).items() if v is not None}
    with pytest.raises(BadInput, match=words):
        index(tmp_path, content)


def test_other_archives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds weights"):
        index(tmp_path, {"weights": np.zeros(3)})
    with pytest.raises(BadInput, match="There is no file"):
        zoo_read_dataset(str(tmp_path / "none.npz"), {})
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(BadInput, match="not a whole npz archive"):
        zoo_read_dataset(str(tmp_path / "text.npz"), {})


def test_the_images_are_not_unpacked_while_indexing(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    np.savez(path, **arrays())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content[:200] if name == "train_images.npy" else content)
    dataset = zoo_read_dataset(str(path), {})
    assert dataset is not None
    train = next(sample for sample in dataset.samples if sample.split == "train")
    with pytest.raises(BadInput, match="train_images"):
        dataset.read(train, None)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), noise=st.binary(min_size=1, max_size=4))
def test_a_damaged_archive_is_read_or_refused_in_words(
    tmp_path: Path, at: int, noise: bytes
) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, **{k: v[:, :3, :3] if v.ndim == 3 else v for k, v in arrays().items()}
    )
    content = buffer.getvalue()
    at %= len(content)
    path = tmp_path / "set.npz"
    path.write_bytes(content[:at] + noise + content[at + len(noise) :])
    try:
        dataset = zoo_read_dataset(str(path), {})
        assert dataset is not None
        for sample in dataset.samples:
            dataset.read(sample, None)
    except ZooError:
        pass


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_file(), reason="BreastMNIST is not on this machine")
def test_breastmnist() -> None:
    dataset = zoo_read_dataset(str(REAL), {"classes": "malignant,benign"})
    assert dataset is not None
    splits = [sample.split for sample in dataset.samples]
    assert [splits.count(s) for s in ("train", "validation", "test")] == [546, 78, 156]
    assert dataset.read(dataset.samples[0], (64, 64)).shape == (64, 64, 3)


def several_labels() -> dict[str, Any]:
    content = arrays()
    for split, count in (("train", 6), ("val", 3), ("test", 4)):
        rows = np.zeros((count, 14), np.uint8)
        rows[1::2, 6] = 1
        rows[:, 3] = 1
        content[f"{split}_labels"] = rows
    return content


@pytest.mark.parametrize("name", ["chestmnist", "chestmnist_64", "ChestMNIST_224"])
def test_one_finding_of_chestmnist(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.npz"
    np.savez_compressed(path, **several_labels())
    with pytest.raises(BadInput, match=r"14 labels an image.*\?finding=pneumonia'.*atelectasis"):
        zoo_read_dataset(str(path), {})
    dataset = zoo_read_dataset(str(path), {"finding": "Pneumonia"})
    assert dataset is not None
    assert dataset.class_names == ("no pneumonia", "pneumonia")
    assert [s.label for s in dataset.samples if s.split == "train"] == [0, 1, 0, 1, 0, 1]
    assert dataset.subject == "chest X-ray"
    with pytest.raises(UnknownName, match="Did you mean 'pneumonia'"):
        zoo_read_dataset(str(path), {"finding": "pneumona"})
    named = zoo_read_dataset(
        str(path), {"finding": "pneumonia", "classes": "no pneumonia:well,pneumonia:ill"}
    )
    assert named is not None
    assert named.class_names == ("well", "ill")


def test_a_finding_by_its_number_and_where_there_is_none(tmp_path: Path) -> None:
    assert sum(s.label for s in index(tmp_path, several_labels(), finding="6").samples) == 6
    with pytest.raises(BadInput, match="one label an image, so 'finding=1' has no meaning"):
        index(tmp_path, arrays(), finding="1")
    content = several_labels() | {"val_labels": np.full((3, 14), 2, np.uint8)}
    with pytest.raises(BadInput, match="not 14 of 0 or 1"):
        index(tmp_path, content, finding="6")


@pytest.mark.parametrize("name", sorted({*medmnist.LABELS} - {"chestmnist"}))
def test_published_labels_have_their_names(tmp_path: Path, name: str) -> None:
    names, content = medmnist.LABELS[name], arrays()
    content["train_labels"] = (np.arange(6) % len(names)).astype(np.uint8)[:, None]
    path = tmp_path / f"{name}_128.npz"
    np.savez_compressed(path, **content)
    dataset = zoo_read_dataset(str(path), {})
    assert dataset is not None
    assert dataset.class_names == names


def test_labels_can_be_chosen_and_named_by_number(tmp_path: Path) -> None:
    content = arrays()
    content["train_labels"] = np.array([0, 1, 2, 0, 1, 2])[:, None]
    dataset = index(tmp_path, content, classes="2:ill,0:well")
    assert dataset.class_names == ("ill", "well")
    assert [s.label for s in dataset.samples if s.split == "train"] == [1, 0, 1, 0]
    assert any("5 images have a label that was not chosen" in note for note in dataset.notes)
    with pytest.raises(UnknownName, match="label in the archive '7'"):
        index(tmp_path, content, classes="7:ill,0:well")


def test_large_images_are_unpacked_once_and_read_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(unpacked, "LARGE", 4000)
    content = arrays()
    dataset = index(tmp_path, content)
    for sample in dataset.samples:
        split, number = sample.name.split("/")
        pixels = dataset.read(sample, None)
        np.testing.assert_array_equal(pixels[..., 0], content[f"{split}_images"][int(number)])
    kept = list((tmp_path / "cache" / "archives").iterdir())
    assert len(kept) == 1, "only the training part has 4,000 bytes"
    damaged = bytearray(kept[0].read_bytes())
    damaged[-1] ^= 1
    kept[0].write_bytes(damaged)  # it is unpacked again
    archive = tmp_path / "set.npz"
    again = unpacked.mapped(str(archive), archive.stat().st_mtime_ns, "train_images", 4000)
    np.testing.assert_array_equal(again, content["train_images"])
    content["train_images"] = 255 - content["train_images"]
    changed = index(tmp_path, content)
    train = next(sample for sample in changed.samples if sample.split == "train")
    assert not (changed.read(train, None) == dataset.read(train, None)).all()
    with pytest.raises(BadInput, match="more than is free"):
        unpacked.mapped(str(tmp_path / "set.npz"), (0, 0), "train_images", 2**60)


def test_a_file_that_was_replaced_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    content, path = arrays(), tmp_path / "set.npz"
    np.savez(path, **content)
    os.utime(path, ns=(10**18, 10**18))
    before = zoo_read_dataset(str(path), {})
    assert before is not None
    late = next(sample for sample in before.samples if sample.split == "validation")
    assert before.read(before.samples[0], None).shape == (28, 28, 3)
    content["train_images"] = 255 - content["train_images"]
    np.savez(path, **content, more=np.zeros(3))
    os.utime(path, ns=(10**18, 10**18))  # a copy that kept its time
    after = zoo_read_dataset(str(path), {})
    assert after is not None
    first = next(sample for sample in after.samples if sample.name == "train/000000")
    np.testing.assert_array_equal(after.read(first, None)[..., 0], content["train_images"][0])
    with pytest.raises(BadInput, match="was replaced while it was in use"):
        before.read(late, None)
