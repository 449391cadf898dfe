"""Last lines of a table that are no rows: a total, or who exported it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import takewhile
from pathlib import Path, PurePosixPath

from plugins.readers.csv_table import files
from plugins.readers.csv_table.by_content import root_of
from plugins.readers.csv_table.parsing import Row, Table, cell, number
from zoo.base.class_names import fold

MOST = 5
"""Lines of a footer; more than these are rows that something is wrong with."""
_SUM = re.compile(r"(?:grand )?totals?|sums?|counts?|mean|average|n")


def without_footer(table: Table, options: Mapping[str, str]) -> tuple[Table, str]:
    """Leave out the footer of a table, with a sentence; one that may be a row stays.

    A footer is below rows that name images that are there. Of its lines each names no image and
    says one thing only, in words (`Exported by ...`, `Total: 5`), or gives numbers beside `Total`.
    """
    last = list(takewhile(_is_no_row, reversed(table.rows)))
    above = table.rows[: len(table.rows) - len(last)]
    if not (0 < len(last) <= MOST and above):
        return table, ""
    known = _names(root_of(table, options))
    places = [place for place, text in enumerate(above[-1].cells) if known(text)]
    if not places or any(known(cell(row, place)) for row in last for place in places):
        return table, ""
    first = _texts(last[-1])[0]
    told = f"The last line, '{first}', is"
    if len(last) > 1:
        told = f"The last {len(last)} lines, from '{first}' on, are"
    return replace(table, rows=above), f"{told} taken for a footer and left out."


def _is_no_row(row: Row) -> bool:
    from zoo import is_image_name

    first, *others = _texts(row)
    if is_image_name(Path(first)):
        return False
    if _SUM.fullmatch(fold(first.rstrip(":="))):
        return all(number(text) is not None for text in others)
    return not others and any(mark in first for mark in " :=")


def _texts(row: Row) -> list[str]:
    """Give the cells that are not empty: one at least, since an empty line is no row."""
    return [text for text in row.cells if text]


def _names(root: Path) -> Callable[[str], bool]:
    """Give what tells whether a cell names an image, with its ending or without."""
    from zoo.base.pictures.image_files import walk

    names = {files.comparable(PurePosixPath(name).name) for name in walk(root).names}
    stems = {fold(files.stem(name)) for name in names}

    def known(text: str) -> bool:
        name = files.comparable(text.replace("\\", "/")).rpartition("/")[2]
        return bool(name) and (name in names or fold(files.stem(name)) in stems)

    return known
