"""What the files of each report are called, so that none is written over anything else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from zoo.base.errors import InvalidSetting
from zoo.base.locks import in_turn
from zoo.report.cases import log
from zoo.report.cases.index import INDEX


def owners(folder: Path) -> dict[str, str]:
    """Return whose report each file is that a casebook wrote, or keeps a name for: path by name.

    Raises:
        BadInput: the log cannot be read.
    """
    return _kept(folder)[1]


def _kept(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the stem of each image by its path, and the image of each file by its name."""
    stems: dict[str, str] = {}
    owned: dict[str, str] = {}
    for _, told in log.lines(folder):  # once: the lines of many images are long
        stems[told["path"]] = told["stem"]
        owned |= dict.fromkeys(_names(told["stem"], told["files"]), told["path"])
    return stems, owned


def reserve(folder: Path, paths: Sequence[str], formats: Sequence[str]) -> list[str]:
    """Give the files of each image a stem that no other image has, and keep it in the log.

    An image keeps the stem that it had. Where a file lies that the casebook did not write, another
    stem is taken: it may be an image of the user's.

    Raises:
        BadInput: the log cannot be read.
        InvalidSetting: the index in the folder is that of something else.
        NotWritten: the folder cannot be written.
    """
    with in_turn(folder):
        if (folder / INDEX).exists() and not (folder / log.LOG).exists():
            raise InvalidSetting(
                f"The folder '{folder}' has an {INDEX} that is not of explained images: there is "
                f"no {log.LOG}. Name another folder for the reports."
            )
        stems, owned = _kept(folder)
        taken = dict.fromkeys([Path(INDEX).stem, *(Path(name).stem for name in owned)], 1)
        new = []
        for path in paths:

            def may_have(stem: str, path: str = path) -> bool:
                return all(
                    owned.get(name) == path or not os.path.lexists(folder / name)
                    for name in _names(stem, formats)
                )

            stem = stems.get(path)
            if stem is None or not may_have(stem):
                stem = stems[path] = _free(Path(path).stem, taken, may_have)
            if not all(name in owned for name in _names(stem, formats)):
                files = {kind: f"{stem}.{kind}" for kind in formats}
                new.append({"path": path, "stem": stem, "files": files})
        log.add(folder, new)
    return [stems[path] for path in paths]


def _names(stem: str, formats: Iterable[str]) -> list[str]:
    """Name the files of a report; JSON has its arrays beside it."""
    kinds = [*formats, "npz"] if "json" in formats else formats
    return [f"{stem}.{kind}" for kind in kinds]


def _free(stem: str, taken: dict[str, int], may_have: Callable[[str], bool]) -> str:
    """Return a stem that no other image has; `taken` knows the last number of each."""
    name, count = stem, taken.get(stem, 1)
    while name in taken or not may_have(name):
        count += 1
        name = f"{stem}-{count}"
    taken[stem] = count
    taken.setdefault(name, 1)
    return name
