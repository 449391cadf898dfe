"""Runs are renamed, noted, removed and brought back, and nothing is lost on the way."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from holding import held_elsewhere
from hypothesis import given
from hypothesis import strategies as st

from zoo.base.errors import InvalidSetting, NotWritten, UnknownName
from zoo.base.files import write_json
from zoo.runs import run_folder
from zoo.workflows import manage_runs
from zoo.workflows.manage_runs import (
    KEPT_SECONDS,
    NOTE_LENGTH,
    TRASH,
    empty_trash,
    note_of,
    note_run,
    remove_run,
    rename_run,
    restore_run,
    trash,
)


@pytest.fixture
def folder(run_copy: Path) -> Path:
    """A folder with one finished run, called copy."""
    return run_copy.parent


@pytest.fixture
def in_training(folder: Path) -> Iterator[None]:
    """Another process holds the run, as whoever trains it does."""
    with held_elsewhere(folder / "copy"):
        yield


def test_a_renamed_run_is_the_same_run(folder: Path) -> None:
    before = run_folder.open_run("copy", folder)
    assert rename_run("copy", "first.try_1", folder) == folder / "first.try_1"
    after = run_folder.open_run("first.try_1", folder)
    assert after.record == before.record
    assert not (folder / "copy").exists()


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", ".hidden", "a/b", "../out", "a\\b", "a b", "-x", "_x", "x.", "nul"),
        *("COM1.x", "ü", "x\n", "experiments", "x" * 101),
    ],
)
def test_what_cannot_be_a_name_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(InvalidSetting, match="cannot be the name of a run"):
        rename_run("copy", name, folder)
    assert [path.name for path in folder.iterdir()] == ["copy"]


@given(st.text(max_size=120))
def test_an_allowed_name_stays_in_the_folder(name: str) -> None:
    try:
        manage_runs.check_name(name)
    except InvalidSetting:
        return
    assert Path("runs", name).parent == Path("runs")
    assert not name.startswith((".", "-"))


def test_a_taken_name_is_refused(folder: Path) -> None:
    (folder / "other").mkdir()
    with pytest.raises(InvalidSetting, match="'other' is taken"):
        rename_run("copy", "other", folder)
    assert (folder / "copy" / run_folder.RECORD).exists()


@pytest.mark.parametrize("name", ["", "none", "../runs/copy", "copy/", TRASH])
def test_only_names_of_the_folder_are_known(folder: Path, name: str) -> None:
    for asked in (remove_run, lambda name, folder: note_run(name, "x", folder)):
        with pytest.raises(UnknownName):
            asked(name, folder)


def test_a_note_is_kept_replaced_and_removed(folder: Path) -> None:
    run = run_folder.read(folder / "copy")
    assert note_of(run) == ""
    note_run("copy", "  two\r\nlines, <b>ü</b>  ", folder)
    assert note_of(run) == "two\nlines, <b>ü</b>"
    with pytest.raises(InvalidSetting, match="4,001 characters"):
        note_run("copy", "x" * (NOTE_LENGTH + 1), folder)
    assert note_of(run) == "two\nlines, <b>ü</b>"
    note_run("copy", " \n", folder)
    assert note_of(run) == ""
    run_folder.open_run("copy", folder)  # a note alters nothing that is checked


def test_a_removed_run_is_not_listed_and_comes_back_whole(folder: Path) -> None:
    before = sorted(path.name for path in (folder / "copy").rglob("*"))
    removed = remove_run("copy", folder)
    assert run_folder.survey(folder) == ([], [])
    assert [one.name for one in trash(folder)] == ["copy"]
    assert removed.days_left == 7
    assert restore_run(None, folder) == folder / "copy"
    assert sorted(path.name for path in (folder / "copy").rglob("*")) == before
    run_folder.open_run("copy", folder)
    assert trash(folder) == []


def test_the_last_removed_comes_back_first(folder: Path) -> None:
    for _ in range(2):
        remove_run("copy", folder)
        shutil.copytree(trash(folder)[0].path, folder / "copy")
    note_run("copy", "the third", folder)
    remove_run("copy", folder)
    assert note_of(run_folder.read(restore_run("copy", folder))) == "the third"
    assert len(trash(folder)) == 2
    with pytest.raises(InvalidSetting, match="'copy' is taken"):
        restore_run("copy", folder)
    assert len(trash(folder)) == 2


def test_without_anything_in_the_trash_there_is_nothing_to_restore(folder: Path) -> None:
    with pytest.raises(UnknownName, match="nothing to restore"):
        restore_run(None, folder)
    remove_run("copy", folder)
    with pytest.raises(UnknownName, match="Did you mean 'copy'"):
        restore_run("copi", folder)


def test_a_damaged_run_can_be_removed(folder: Path) -> None:
    write_json(folder / "copy" / run_folder.RECORD, {"schema": "none"})
    remove_run("copy", folder)
    assert run_folder.survey(folder)[1] == []


def test_a_run_in_training_stays(folder: Path, in_training: None) -> None:
    for asked in (remove_run, lambda name, folder: rename_run(name, "other", folder)):
        with pytest.raises(InvalidSetting, match="'copy' is in training"):
            asked("copy", folder)
    assert sorted(path.name for path in folder.iterdir()) == ["copy"]


def test_after_a_week_it_is_gone_with_the_next_removal(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder / "copy", folder / "other")
    now = time.time()
    monkeypatch.setattr(manage_runs.time, "time", lambda: now - KEPT_SECONDS - 100)
    remove_run("copy", folder)
    monkeypatch.setattr(manage_runs.time, "time", lambda: now)
    assert trash(folder)[0].days_left == 0
    remove_run("other", folder)
    assert [one.name for one in trash(folder)] == ["other"]
    assert len(list((folder / TRASH).iterdir())) == 1


def test_emptying_counts_what_is_gone_and_leaves_no_folder(folder: Path) -> None:
    assert empty_trash(folder) == 0
    remove_run("copy", folder)
    assert empty_trash(folder) == 1
    assert list(folder.iterdir()) == []


def test_a_linked_run_is_unlinked_and_its_files_stay(folder: Path, tmp_path: Path) -> None:
    elsewhere = (folder / "copy").rename(tmp_path / "elsewhere")
    (folder / "linked").symlink_to(elsewhere)
    remove_run("linked", folder)
    assert restore_run("linked", folder).is_symlink()
    remove_run("linked", folder)
    empty_trash(folder)
    assert (elsewhere / run_folder.RECORD).exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_what_cannot_be_moved_is_told(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with pytest.raises(NotWritten):
            remove_run("copy", folder)
    finally:
        folder.chmod(0o700)
