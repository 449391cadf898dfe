"""Which split each case belongs to: by a column, or by lists of names beside the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from plugins.readers.csv_table.cases import Case
from zoo import BadInput


def from_lists(
    folders: Sequence[Path], lists: Mapping[str, str], cases: Sequence[Case]
) -> tuple[dict[str, str], str]:
    """Give the split of each case that a list names, and a sentence; all cases without any list.

    `lists` are the names of text files, in one of the folders, with the split they stand for; each
    of their lines names one image.

    Raises:
        BadInput: a list cannot be read, or names none of the images.
    """
    there = {
        path: split
        for name, split in lists.items()
        for path in dict.fromkeys(folder / name for folder in folders)
        if path.is_file()
    }
    if not there:
        return {case.name: "" for case in cases}, ""
    split_of: dict[str, str] = {}
    for path, split in there.items():
        for name in _lines(path):
            split_of[PurePosixPath(name).name.casefold()] = split
    keys = {case.name: PurePosixPath(case.name).name.casefold() for case in cases}
    found = {name: split_of[key] for name, key in keys.items() if key in split_of}
    names = ", ".join(sorted(path.name for path in there))
    if not found:
        raise BadInput(
            f"None of the images is in {names} beside the table. Take '?split=none' to divide "
            "them anew, or move these files."
        )
    counted = ", ".join(f"{count:,} {split}" for split, count in Counter(found.values()).items())
    missing = len(cases) - len(found)
    others = f"; {missing:,} images in none of them are left out" if missing else ""
    return (
        found,
        f"Divided as published, by {names}: {counted}{others}. '?split=none' ignores them.",
    )


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"'{path}' cannot be read ({error}). Expected a text file.") from error
