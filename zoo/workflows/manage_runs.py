"""Rename, note, remove and restore runs; what is removed stays a week in a trash folder."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.base import leftovers, locks
from zoo.base.errors import InvalidSetting, UnknownName
from zoo.base.files import printable, sync_folder, write_text, writing
from zoo.runs import run_folder
from zoo.runs.record import EXPERIMENTS
from zoo.runs.run_folder import RECORD, Run

TRASH = ".trash"
"""In the folder of the runs: a folder for each removal, named by its time, with the run inside."""
KEPT_SECONDS = 7 * 86_400
NOTE = "note.txt"
NOTE_LENGTH = 4000
NAME_LENGTH = 100
_NAME = re.compile(r"[^\W_][\w.-]*", re.ASCII)
_REMOVAL = re.compile(r"(?P<seconds>\d{10,12})-\d+")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for itself."""


@dataclass(frozen=True)
class Removed:
    """A run in the trash: its name, when it was removed (seconds since 1970) and where it lies."""

    name: str
    when: float
    path: Path

    @property
    def days_left(self) -> int:
        """Return after how many days it is gone for good, rounded up."""
        return max(0, -int((time.time() - self.when - KEPT_SECONDS) // 86_400))


def rename_run(name: str, new: str, folder: str | Path | None = None) -> Path:
    """Give a run of a folder (default: ZOO_RUNS or `runs`) another name; return where it is now.

    Raises:
        UnknownName: there is no such run.
        InvalidSetting: the new name is taken or cannot be one, or the run is in training.
        NotWritten: the system does not let the folder be renamed.

    Example:
        >>> zoo.rename_run(run.name, "first-try").name
        'first-try'
        >>> zoo.rename_run("first-try", run.name) == run.path
        True
    """
    root = run_folder.root(folder)
    path = place_of(name, root)
    if new != name:
        check_name(new)
        with _at_rest(path), locks.in_turn(root):
            _check_free(root / new)
            _move(path, root / new)
    return root / new


def note_run(name: str, text: str, folder: str | Path | None = None) -> None:
    """Keep a note with a run, in place of what was noted before; nothing but blanks removes it.

    Raises:
        UnknownName: there is no such run.
        InvalidSetting: it has more than 4,000 characters.
        NotWritten: it cannot be written.

    Example:
        >>> zoo.note_run(run.name, "The first one without augmentation.")
        >>> (run.path / "note.txt").read_text().strip()
        'The first one without augmentation.'
        >>> zoo.note_run(run.name, "")
    """
    path = place_of(name, run_folder.root(folder))
    text = text.replace("\r\n", "\n").strip()
    if len(text) > NOTE_LENGTH:
        raise InvalidSetting(
            f"The note has {len(text):,} characters; at most {NOTE_LENGTH:,} are kept. Shorten it."
        )
    if text:
        write_text(path / NOTE, text + "\n")
    else:
        with writing(path / NOTE):
            (path / NOTE).unlink(missing_ok=True)


def note_of(run: Run) -> str:
    """Return what was noted of a run; empty where nothing was."""
    path = run.path / NOTE
    if path.is_symlink() or not path.is_file():
        return ""
    try:
        with path.open("rb") as file:
            text = file.read(4 * NOTE_LENGTH).decode("utf-8", "replace")
    except OSError:
        return ""
    return text.strip()[:NOTE_LENGTH]


def remove_run(name: str, folder: str | Path | None = None) -> Removed:
    """Move a run, or a folder with a damaged record, into the trash, where it stays for a week.

    Raises:
        UnknownName: there is no such run.
        InvalidSetting: it is in training.
        NotWritten: the system does not let it be moved.

    Example:
        >>> removed = zoo.remove_run(run.name)
        >>> run.path.exists(), removed.name == run.name
        (False, True)
        >>> zoo.restore_run(run.name) == run.path
        True
    """
    root = run_folder.root(folder)
    path = place_of(name, root)
    with _at_rest(path), locks.in_turn(root):
        place = _new_place(root)
        try:
            _move(path, place / name)
        except BaseException:
            with contextlib.suppress(OSError):
                place.rmdir()
            raise
    _forget_old(root)
    return _removed(place / name)


def restore_run(name: str | None = None, folder: str | Path | None = None) -> Path:
    """Bring back the run of that name (default: any) that was removed last; return where it is.

    Raises:
        UnknownName: there is none in the trash.
        InvalidSetting: another run has its name by now.
        NotWritten: the system does not let it be moved.

    Example:
        >>> _ = zoo.remove_run(run.name)
        >>> zoo.restore_run().name == run.name
        True
    """
    root = run_folder.root(folder)
    found = [one for one in trash(root) if name in (None, one.name)]
    if not found:
        if name is None:
            raise UnknownName(f"No run of '{root}' is in the trash: there is nothing to restore.")
        raise UnknownName.among("run in the trash", name, {one.name for one in trash(root)})
    last = found[0]
    with locks.in_turn(root):
        _check_free(root / last.name)
        _move(last.path, root / last.name)
        with contextlib.suppress(OSError):
            last.path.parent.rmdir()
    return root / last.name


def trash(folder: str | Path | None = None) -> list[Removed]:
    """Return the runs in the trash of a folder, the one removed last first."""
    places = (run_folder.root(folder) / TRASH).glob("*/*")
    found = [
        _removed(path)
        for path in places
        if (path.is_dir() or path.is_symlink()) and _REMOVAL.fullmatch(path.parent.name)
    ]
    return sorted(found, key=lambda one: (one.when, one.path.parent.name), reverse=True)


def empty_trash(folder: str | Path | None = None) -> int:
    """Remove what is in the trash for good and return how many runs that were.

    Raises:
        NotWritten: the system does not let one be removed.
    """
    root = run_folder.root(folder)
    return _forget(root, trash(root))


def _forget_old(root: Path) -> None:
    """Remove for good what has been in the trash for a week."""
    now = time.time()
    _forget(root, [one for one in trash(root) if now - one.when > KEPT_SECONDS])


def _forget(root: Path, removed: list[Removed]) -> int:
    for one in removed:
        # A folder that is half removed is no run that could be restored: it is renamed before.
        with writing(one.path):
            gone = root / TRASH / leftovers.new_name()
            one.path.parent.replace(gone)
            shutil.rmtree(gone)
    with contextlib.suppress(OSError):  # something is left in it, or it was never there
        (root / TRASH).rmdir()
    return len(removed)


def place_of(name: str, root: Path) -> Path:
    """Return the folder of a run, readable or not; the name is compared and never made a path.

    Raises:
        UnknownName: there is no such run.
    """
    known = {record.parent.name: record.parent for record in root.glob(f"*/{RECORD}")}
    if name not in known:
        raise UnknownName.among("run", printable(name)[:NAME_LENGTH], known)
    return known[name]


def check_name(name: str) -> None:
    """Refuse what is no name for a run on every system.

    Raises:
        InvalidSetting: says what is allowed.
    """
    reserved = name == EXPERIMENTS or _DEVICES.fullmatch(name) or name.endswith(".")
    if len(name) > NAME_LENGTH or reserved or not _NAME.fullmatch(name):
        raise InvalidSetting(
            f"'{printable(name)[:NAME_LENGTH]}' cannot be the name of a run. Expected at most "
            f"{NAME_LENGTH} letters (a to z), digits, '-', '_' and '.', beginning with a letter or "
            "digit."
        )


def _check_free(path: Path) -> None:
    if os.path.lexists(path):
        raise InvalidSetting(
            f"'{path.name}' is taken: there is a run or folder of that name. Choose another one, "
            "or rename that first."
        )


@contextlib.contextmanager
def _at_rest(path: Path) -> Iterator[None]:
    """Let no process train a run meanwhile.

    Raises:
        InvalidSetting: one does.
    """
    with locks.holding(path, wait=False) as held:
        if not held:
            raise InvalidSetting(
                f"The run '{path.name}' is in training. Wait until it has ended, or stop it first."
            )
        yield


def _new_place(root: Path) -> Path:
    """Make a folder in the trash for what is removed now."""
    seconds, number = int(time.time()), 1
    leftovers.sweep_once(root / TRASH)
    while True:
        place = root / TRASH / f"{seconds}-{number}"
        with writing(place), contextlib.suppress(FileExistsError):
            place.mkdir(parents=True)
            return place
        number += 1


def _move(path: Path, new: Path) -> None:
    with writing(path):
        path.rename(new)
        sync_folder(path.parent)
        sync_folder(new.parent)


def _removed(path: Path) -> Removed:
    when = _REMOVAL.fullmatch(path.parent.name)
    return Removed(path.name, float(when["seconds"]) if when else 0.0, path)
