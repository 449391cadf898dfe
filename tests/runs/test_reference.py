from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import DamagedRun, Dataset, Reference, Sample
from zoo.runs import reference


def samples(count: int, every: int) -> list[Sample]:
    return [Sample(str(n), int(n % every == 0), str(n)) for n in range(count)]


def kept(pictures: tuple[bytes, ...] = (b"one", b"", b"three")) -> Reference:
    return Reference(
        embeddings=np.arange(6, dtype=np.float32).reshape(3, 2),
        labels=np.array([0, 1, 0]),
        names=("a", "Röntgen", "c"),
        patients=("p", "q", "p"),
        digests=("1", "2", "3"),
        thumbnails=pictures,
    )


def test_few_cases_are_all_kept() -> None:
    assert reference.choose_cases(samples(10, 2), 10, seed=0) == list(range(10))


def test_many_cases_are_thinned_in_proportion() -> None:
    everyone = samples(1000, 4)
    chosen = reference.choose_cases(everyone, 100, seed=0)
    assert len(chosen) == len(set(chosen)) == 100
    assert chosen == sorted(chosen)
    assert sum(everyone[i].label for i in chosen) == 25
    assert reference.choose_cases(everyone, 100, seed=0) == chosen
    assert reference.choose_cases(everyone, 100, seed=1) != chosen


def test_a_rare_class_keeps_a_case() -> None:
    everyone = samples(1000, 1000)
    assert {everyone[i].label for i in reference.choose_cases(everyone, 100, seed=0)} == {0, 1}


@pytest.mark.parametrize("limit", [0, 1, 7, 99])
def test_the_limit_is_never_passed(limit: int) -> None:
    assert len(reference.choose_cases(samples(100, 3), limit, seed=0)) <= limit


def test_cases_read_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "reference.npz"
    reference.save(path, kept())
    found = reference.load(path)
    assert np.array_equal(found.embeddings, kept().embeddings)
    assert found.labels.tolist() == [0, 1, 0]
    for name in ("names", "patients", "digests", "thumbnails"):
        assert getattr(found, name) == getattr(kept(), name)


def test_a_run_may_keep_no_pictures(tmp_path: Path) -> None:
    reference.save(tmp_path / "reference.npz", kept(()))
    assert reference.load(tmp_path / "reference.npz").thumbnails == ()


def test_held_out_cases_are_kept_and_may_be_missing(tmp_path: Path) -> None:
    held = np.arange(8, dtype=np.float32).reshape(4, 2)
    whole = replace(kept(), held_embeddings=held, held_labels=np.array([1, 0, 1, 1]))
    reference.save(tmp_path / "whole.npz", whole)
    found = reference.load(tmp_path / "whole.npz")
    assert np.array_equal(found.held_embeddings, held)
    assert found.held_labels.tolist() == [1, 0, 1, 1]
    reference.save(tmp_path / "older.npz", kept())
    older = reference.load(tmp_path / "older.npz")
    assert older.held_embeddings is None
    assert older.held_labels is None


def test_thumbnails_are_small_jpegs_in_order() -> None:
    data = Dataset(
        source="here",
        class_names=("a", "b"),
        samples=tuple(samples(4, 2)),
        read=lambda s, size: np.full((*(size or (9, 9)), 3), 60 * int(s.name), np.uint8),
        digest=lambda s: s.name,
    )
    for number, encoded in enumerate(reference.thumbnails(data, data.samples)):
        with Image.open(io.BytesIO(encoded)) as picture:
            assert picture.format == "JPEG"
            assert picture.size == (160, 160)
            assert np.asarray(picture).mean() == pytest.approx(60 * number, abs=2)


def test_thumbnails_keep_the_proportions_of_the_picture() -> None:
    data = Dataset(
        source="here",
        class_names=("a",),
        samples=tuple(samples(1, 2)),
        read=lambda _, size: np.zeros((*(size or (40, 60)), 3), np.uint8),
        digest=lambda s: s.name,
    )
    (encoded,) = reference.thumbnails(data, data.samples)
    assert Image.open(io.BytesIO(encoded)).size == (240, 160)


@pytest.mark.parametrize("damage", ["missing", "empty", "short", "text", "pickle"])
def test_damaged_cases_are_told(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "reference.npz"
    reference.save(path, kept())
    if damage == "missing":
        path.unlink()
    elif damage == "pickle":
        np.savez(path, embeddings=np.array([object()], dtype=object))
    else:
        whole = path.read_bytes()
        path.write_bytes({"empty": b"", "short": whole[: len(whole) // 2], "text": b"no"}[damage])
    with pytest.raises(DamagedRun, match="reference cases"):
        reference.load(path)
