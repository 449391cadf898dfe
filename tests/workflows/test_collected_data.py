"""A data set that was sent: read, mended in a table, and never changed itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo.base.errors import BadInput, InvalidSetting, NotWritten, UnknownName, ZooError
from zoo.base.files import write_text
from zoo.base.registry import Registry
from zoo.data.sent_rules import check_rule
from zoo.workflows import collected_data
from zoo.workflows.collected_data import (
    IMAGES,
    Collected,
    begin_set,
    change_set,
    collected,
    find_collected,
    finish_set,
    read_set,
    remove_set,
    undo_change,
)
from zoo.workflows.collected_table import LABEL, LEAVE_OUT, PART, changed


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32), np.uint8)
    Image.fromarray(pixels).save(path)


def full(path: Path, _: str) -> None:
    raise NotWritten(f"'{path}' cannot be written: the disk is full.")


@pytest.fixture
def sent(tmp_path: Path) -> Collected:
    """Eight images of four patients in two classes, divided."""
    one = begin_set(tmp_path, "mine")
    for number in range(8):
        label = ("NORMAL", "PNEUMONIA")[number % 2]
        part = ("train", "test")[number // 4 % 2]
        picture(one.path / IMAGES / part / label / f"p{number // 2}_{number}.png", number)
    return one


def files_of(one: Collected) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in (one.path / IMAGES).rglob("*") if path.is_file()
    }


def test_it_is_read_with_the_rule_that_was_said(sent: Collected, tiny_registry: Registry) -> None:
    patients = {s.patient for s in read_set(sent, tiny_registry, r"(p\d+)_").samples}
    assert patients == {"p0", "p1", "p2", "p3"}
    assert len({s.patient for s in read_set(sent, tiny_registry, "none").samples}) == 8


def test_the_table_says_what_was_read_and_can_be_opened(
    sent: Collected, tiny_registry: Registry
) -> None:
    done = finish_set(sent, tiny_registry, r"(p\d+)_")
    assert done.ready
    dataset = tiny_registry.dataset(done.source)
    assert len(dataset.samples) == 8
    assert {s.patient for s in dataset.samples} == {"p0", "p1", "p2", "p3"}
    assert {s.split for s in dataset.samples} == {"train", "test"}
    assert dataset.read(dataset.samples[0], (8, 8)).shape == (8, 8, 3)
    assert [one.name for one in collected(sent.path.parent)] == ["mine"]


def test_changes_are_in_the_table_alone(sent: Collected, tiny_registry: Registry) -> None:
    before = files_of(sent)
    done = finish_set(sent, tiny_registry, r"(p\d+)_")
    first, second, *_ = tiny_registry.dataset(done.source).samples
    done = change_set(done, first.name, LEAVE_OUT, why="a copy")
    done = change_set(done, second.name, PART, "test")
    other = next(s for s in tiny_registry.dataset(done.source).samples if s.label == 0)
    done = change_set(done, other.name, LABEL, "PNEUMONIA")
    after = {s.name: s for s in tiny_registry.dataset(done.source).samples}
    assert first.name not in after
    assert {s.split for s in after.values() if s.patient == second.patient} == {"test"}
    assert after[other.name].label == 1
    assert files_of(done) == before

    found = find_collected(sent.path.parent, "mine")
    assert [change["change"] for change in found.changes] == [LEAVE_OUT, PART, LABEL]
    for _ in range(3):
        found = undo_change(found, 0)
    original = {s.name: s for s in tiny_registry.dataset(found.source).samples}
    assert len(original) == 8
    assert original[other.name].label == 0


@pytest.mark.parametrize(
    ("change", "to"),
    [("burn", ""), (LABEL, "other"), (LABEL, ""), (PART, "holiday"), (PART, "")],
)
def test_what_is_no_change_is_refused(
    sent: Collected, tiny_registry: Registry, change: str, to: str
) -> None:
    done = finish_set(sent, tiny_registry)
    name = tiny_registry.dataset(done.source).samples[0].name
    table = done.table.read_text()
    with pytest.raises(ZooError):
        change_set(done, name, change, to)
    with pytest.raises(UnknownName):
        change_set(done, "../../etc/passwd", LEAVE_OUT)
    assert done.table.read_text() == table


def test_a_class_is_never_left_empty(tmp_path: Path, tiny_registry: Registry) -> None:
    one = begin_set(tmp_path, "two")
    for label in ("A", "B"):
        picture(one.path / IMAGES / label / "x.png", ord(label))
    done = finish_set(one, tiny_registry)
    with pytest.raises(InvalidSetting, match="less than two classes"):
        change_set(done, tiny_registry.dataset(done.source).samples[0].name, LEAVE_OUT)
    assert len(tiny_registry.dataset(done.source).samples) == 2


def test_an_undivided_set_has_no_parts_to_move_to(tmp_path: Path, tiny_registry: Registry) -> None:
    one = begin_set(tmp_path, "two")
    for label in ("A", "B"):
        picture(one.path / IMAGES / label / "x.png", ord(label))
    done = finish_set(one, tiny_registry)
    with pytest.raises(InvalidSetting, match="not divided"):
        change_set(done, tiny_registry.dataset(done.source).samples[0].name, PART, "test")


def test_a_patient_moves_with_all_images() -> None:
    rows = [["a", "N", "p1", "train"], ["b", "P", "p1", "train"], ["c", "P", "p2", "train"]]
    moved = changed(rows, [{"image": "a", "change": PART, "to": "test"}])
    assert [row[3] for row in moved] == ["test", "test", "train"]
    assert rows[0][3] == "train"


@given(st.lists(st.sampled_from(["a", "b", "c", "none"]), max_size=6))
def test_leaving_out_twice_is_leaving_out_once(names: list[str]) -> None:
    rows = [[name, "N", "p", ""] for name in "abc"]
    left = changed(rows, [{"image": name, "change": LEAVE_OUT, "to": ""} for name in names])
    assert [row[0] for row in left] == [name for name in "abc" if name not in names]


@pytest.mark.parametrize("rule", ["nonsense", "(", "folder:x", "a" * 150 + "(b)" * 30])
def test_what_is_no_rule_is_refused(sent: Collected, tiny_registry: Registry, rule: str) -> None:
    with pytest.raises(ZooError):
        read_set(sent, tiny_registry, rule)


def test_an_expression_that_never_ends_is_refused() -> None:
    check_rule(r"(p\d+)_", ["p1_2.png"])
    with pytest.raises(InvalidSetting, match="takes too long"):
        check_rule("(a+)+$", ["a.png"])


def test_names_are_checked_and_taken_once(tmp_path: Path) -> None:
    begin_set(tmp_path, "mine")
    with pytest.raises(InvalidSetting, match="is taken"):
        begin_set(tmp_path, "mine")
    for name in ("../out", ".hidden", "a/b", ""):
        with pytest.raises(InvalidSetting):
            begin_set(tmp_path, name)
        with pytest.raises(UnknownName):
            find_collected(tmp_path, name)
    with pytest.raises(BadInput, match="left for data sets"):
        begin_set(tmp_path, "other", limit=0)


def test_a_removed_set_is_gone(sent: Collected, tiny_registry: Registry) -> None:
    remove_set(finish_set(sent, tiny_registry))
    assert list(sent.path.parent.iterdir()) == []


def test_images_that_are_no_data_set_are_told(tmp_path: Path, tiny_registry: Registry) -> None:
    one = begin_set(tmp_path, "empty")
    with pytest.raises(ZooError):
        finish_set(one, tiny_registry)
    assert not find_collected(tmp_path, "empty").ready


def test_the_depth_of_files_that_do_not_say_it_is_noted(
    sent: Collected, tiny_registry: Registry
) -> None:
    assert finish_set(sent, tiny_registry).record["bits"] is None
    path = next((sent.path / IMAGES).rglob("*.png"))
    Image.fromarray(np.full((32, 32), 4000, np.uint16)).save(path)
    assert finish_set(sent, tiny_registry).record["bits"] == 12


class Killed(BaseException):
    """Stands in for the end of the process."""


def test_who_was_killed_before_the_table_leaves_one_that_tells_the_record(
    sent: Collected, tiny_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only(path: Path, text: str) -> None:
        if path == sent.table:
            raise Killed
        write_text(path, text)

    folder = sent.path.parent
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(collected_data, "write_text", only)
        finish_set(sent, tiny_registry)
    (done,) = collected(folder)
    assert done.ready
    first = tiny_registry.dataset(done.source).samples[0].name
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(collected_data, "write_text", only)
        change_set(done, first, LEAVE_OUT)
    with monkeypatch.context() as patch:
        patch.setattr(collected_data, "write_text", full)
        assert not find_collected(folder, "mine").ready
    changed = find_collected(folder, "mine")
    assert changed.changes[0]["image"] == first
    assert first not in changed.table.read_text()
