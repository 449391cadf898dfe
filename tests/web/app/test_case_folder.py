"""Saved cases: whole files, one table to train on, and nothing lost when several write."""

from __future__ import annotations

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo import Attribution, BadInput, InvalidSetting, UnknownName
from zoo.base import files
from zoo.base.errors import NotWritten
from zoo.base.registry import Registry
from zoo.interpret.case import Case
from zoo.web.app import case_folder
from zoo.web.app.case_folder import CaseFolder, Changed
from zoo.web.app.saved_case import SavedCase
from zoo.web.service.limits import NotFinite

CLASSES = ("NORMAL", "PNEUMONIA")


def case(seed: int = 0, details: dict[str, float] | None = None) -> Case:
    random = np.random.default_rng(seed)
    return Case(
        name=f"{seed}.png",
        pixels=random.integers(0, 256, (16, 16, 1), np.uint8),
        probabilities=(0.25, 0.75),
        predicted=1,
        class_names=CLASSES,
        run="tiny",
        explanations=(
            Attribution("gradcam", 1, random.random((16, 16), np.float32), details=details or {}),
        ),
    )


def picture(seed: int = 0, channels: int = 3) -> np.ndarray:
    gray = np.random.default_rng(seed).integers(0, 256, (40, 30, 1), np.uint8)
    return np.repeat(gray, channels, -1)


def save(folder: CaseFolder, seed: int = 0, user: str = "ann", **given: Any) -> SavedCase:
    told = {"digest": f"{seed:016x}", "patient": None, **given}
    return folder.save(case(seed), picture(seed), user=user, **told)


def rows(folder: CaseFolder) -> list[dict[str, str]]:
    with (folder.folder / "cases.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def ids(folder: CaseFolder, user: str = "ann") -> list[str]:
    return [one.id for one in folder.all(user)]


def test_a_case_is_found_again_as_it_was_saved(tmp_path: Path) -> None:
    saved = save(CaseFolder(tmp_path))
    again = CaseFolder(tmp_path)
    (listed,) = again.all("ann")
    found = again.find(listed.id, "ann")
    assert found == saved
    assert (listed.id, listed.answer["answer"]) == (saved.id, "PNEUMONIA")
    assert found.answer["answer"] == "PNEUMONIA"
    with Image.open(again.picture(found)) as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), picture()[..., 0])
    arrays = again.arrays(found)
    assert np.array_equal(arrays["pixels"], case().pixels)
    assert np.array_equal(arrays["maps/gradcam"], case().attributions[0].values)
    (arrays_path,) = (tmp_path / "records").glob("*.npz")
    arrays_path.write_bytes(b"junk")
    with pytest.raises(BadInput, match="cannot be read"):
        again.arrays(found)


def test_each_sees_their_own_and_nobodys(tmp_path: Path) -> None:
    folder = CaseFolder(tmp_path)
    ann, nobody = save(folder, 0, "ann"), save(folder, 1, "")
    assert {one.id for one in folder.all("bob")} == {nobody.id}
    assert {one.id for one in folder.all("ann")} == {ann.id, nobody.id}
    for key in (ann.id, "..", "../records", "", ann.id + "/x"):
        with pytest.raises(UnknownName):
            folder.find(key, "bob")
        with pytest.raises(UnknownName):
            folder.delete(key, "bob")
        with pytest.raises(UnknownName):
            folder.change(key, user="bob", label="", notes="x", version=1)
    assert folder.find(ann.id, "ann") == ann


def test_the_table_has_those_with_a_label(tmp_path: Path) -> None:
    folder = CaseFolder(tmp_path)
    first, second, third = (save(folder, seed) for seed in range(3))
    folder.change(first.id, user="ann", label="NORMAL", notes="clear", version=1)
    folder.change(third.id, user="ann", label="PNEUMONIA", notes="", version=1)
    assert {row["case"] for row in rows(folder)} == {first.id, third.id}
    (row,) = [row for row in rows(folder) if row["case"] == first.id]
    assert (row["label"], row["answer"], row["reader"]) == ("NORMAL", "PNEUMONIA", "ann")
    assert (tmp_path / row["path"]).is_file()
    folder.change(first.id, user="ann", label="", notes="clear", version=2)
    folder.delete(third.id, "ann")
    assert rows(folder) == []
    assert second.id in ids(folder)


def test_a_change_of_an_older_state_is_refused_and_all_are_kept(tmp_path: Path) -> None:
    folder = CaseFolder(tmp_path)
    key = save(folder).id
    folder.change(key, user="ann", label="NORMAL", notes="one", version=1)
    with pytest.raises(Changed):
        folder.change(key, user="ann", label="PNEUMONIA", notes="two", version=1)
    folder.change(key, user="ann", label="PNEUMONIA", notes="three", version=2)
    found = folder.find(key, "ann")
    assert [change["notes"] for change in found.changes] == ["one", "three"]
    assert folder.change(key, user="ann", label=found.label, notes="three", version=3) == found
    for label, notes in (("OTHER", ""), ("NORMAL", "x" * (case_folder.NOTES + 1))):
        with pytest.raises(InvalidSetting):
            folder.change(key, user="ann", label=label, notes=notes, version=3)


def test_what_is_deleted_leaves_nothing(tmp_path: Path) -> None:
    folder = CaseFolder(tmp_path)
    kept, gone = save(folder, 0), save(folder, 1)
    folder.delete(gone.id, "ann")
    assert [path.name for path in sorted(tmp_path.rglob(f"*{gone.id}*"))] == []
    assert len(list(tmp_path.rglob(f"*{kept.id}*"))) == 3


def test_what_never_became_a_case_is_swept_away(tmp_path: Path) -> None:
    kept = save(CaseFolder(tmp_path))
    half = tmp_path / "images" / "20260101-000000-0123abcd.png"
    half.write_bytes(b"half")
    other = tmp_path / "images" / "mine.png"
    other.write_bytes(b"not ours")
    folder = CaseFolder(tmp_path)
    assert not half.exists()
    assert other.exists()
    assert ids(folder) == [kept.id]


def test_nothing_half_written_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CaseFolder(tmp_path)
    before = save(folder, 0)

    def full(path: Path, *_: Any) -> None:
        raise files.not_written(path, OSError(28, "No space left on device"))

    monkeypatch.setattr(case_folder, "write_json", full)
    with pytest.raises(NotWritten, match="No space"):
        save(folder, 1)
    monkeypatch.undo()
    assert ids(CaseFolder(tmp_path)) == [before.id]
    assert len(list((tmp_path / "images").iterdir())) == 1
    with pytest.raises(NotFinite):
        folder.save(case(2, {"error": float("nan")}), picture(), user="", digest="d", patient=None)
    assert ids(CaseFolder(tmp_path)) == [before.id]


def test_there_is_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_folder, "MOST", 1)
    folder = CaseFolder(tmp_path)
    save(folder)
    with pytest.raises(InvalidSetting, match="most there may be"):
        save(folder, 1)


def test_a_record_that_is_none_of_ours_is_passed_over(tmp_path: Path) -> None:
    folder = CaseFolder(tmp_path)
    kept = save(folder)
    (tmp_path / "records" / "20260101-000000-0123abcd.json").write_text(json.dumps({"id": 1}))
    (tmp_path / "records" / "20260101-000001-0123abcd.json").write_text("{")
    assert ids(folder) == [kept.id]


def write_some(folder: Path, start: int) -> None:
    cases = CaseFolder(folder)
    for seed in range(start, start + 4):
        saved = save(cases, seed)
        cases.change(saved.id, user="ann", label=CLASSES[seed % 2], notes="", version=1)


def test_who_writes_at_once_loses_nothing(tmp_path: Path) -> None:
    # Each has a lock of its own, as in another process: what they share is that of the folder.
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: write_some(tmp_path, 10 * number), range(3)))
    folder = CaseFolder(tmp_path)
    assert len(folder.all("ann")) == len(rows(folder)) == 12


def test_the_folder_is_a_data_set_as_any(tmp_path: Path, tiny_registry: Registry) -> None:
    folder = CaseFolder(tmp_path)
    for seed in range(6):
        saved = save(folder, seed, digest=f"{seed // 2:016x}", patient="p7" if seed == 5 else None)
        if seed:
            label = CLASSES[seed % 2]
            folder.change(saved.id, user="ann", label=label, notes="", version=1)
    dataset = tiny_registry.dataset(str(tmp_path))
    assert dataset.class_names == CLASSES
    assert len(dataset.samples) == 5
    people = [sample.patient for sample in dataset.samples]
    assert len(set(people)) == 4  # two of one content are one patient's
    assert "p7" in people


def test_one_read_meanwhile_is_the_new_one(tmp_path: Path) -> None:
    one, other = CaseFolder(tmp_path), CaseFolder(tmp_path)
    key = save(one).id
    assert other.find(key, "ann").version == 1
    changed = one.change(key, user="ann", label="NORMAL", notes="n", version=1)
    assert other.find(key, "ann") == changed


def test_a_table_that_was_not_written_any_more_is_written_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = CaseFolder(tmp_path)
    assert not (tmp_path / "cases.csv").exists()
    kept, gone = save(folder, 0), save(folder, 1)
    folder.change(gone.id, user="ann", label="NORMAL", notes="", version=1)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(case_folder, "write_text", killed)
    for write in (
        lambda: folder.change(kept.id, user="ann", label="PNEUMONIA", notes="", version=1),
        lambda: folder.delete(gone.id, "ann"),
    ):
        with pytest.raises(KeyboardInterrupt):
            write()
    monkeypatch.undo()
    assert [row["case"] for row in rows(folder)] == [gone.id]
    again = CaseFolder(tmp_path)
    assert [row["case"] for row in rows(again)] == [kept.id]
