"""Columns that are known by what they hold, where none is called as is usual."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePosixPath

from plugins.readers.csv_table import files
from plugins.readers.csv_table.labels import BLANK, NOBODY
from plugins.readers.csv_table.parsing import Table, cell
from zoo import TRAIN, BadInput
from zoo.base.class_names import fold
from zoo.base.sources import split_named

NEARLY_ALL = 0.9
"""Share of a column's texts that must be names of images."""
ROWS_OF_AN_IMAGE = 5
"""How many rows an image may have: a column of fewer texts, such as an age, names no images."""

_SOMEBODY = re.compile(
    r"(?:.* )?(?:patient|subject|person|participant|case|study|exam|accession)s?"
    r"(?: ?(?:id|no|nr|number|name|code|key|u?id|instance ?uid))?|mrn|pid",
)


def columns_of_paths(table: Table, root: Path) -> list[str]:
    """Give the columns that name images below the root: with endings, if any, and the most.

    Numbers that lost zeros count where no column names images as they are.
    """
    from zoo.base.pictures.image_files import walk

    names = {files.comparable(PurePosixPath(name).name) for name in walk(root).names}
    stems = {files.stem(name) for name in names}
    exact = _naming(table, lambda text: text in names or files.stem(text) in stems)
    numbers = {fold(stem) for stem in stems}
    return exact or _naming(table, lambda text: fold(files.stem(text)) in numbers)


def _naming(table: Table, is_there: Callable[[str], bool]) -> list[str]:
    from zoo import is_image_name

    found: dict[str, tuple[bool, int]] = {}
    for place, column in enumerate(table.header):
        texts = {files.comparable(cell(row, place).replace("\\", "/")) for row in table.rows}
        last = {text.rpartition("/")[2] for text in texts - BLANK}
        there = sum(map(is_there, last))
        enough = len(last) * ROWS_OF_AN_IMAGE > len(table.rows)
        if column and enough and len(last) > 1 and there >= NEARLY_ALL * len(last):
            found[column] = all(is_image_name(Path(text)) for text in last), len(last)
    return [column for column, rank in found.items() if rank == max(found.values())]


def columns_of_splits(table: Table, besides: Collection[int | None]) -> list[str]:
    """Give the names of columns in which every text names a split, and not all the same one.

    Of several that divide alike the first stands for all.
    """
    found: dict[tuple[str | None, ...], str] = {}
    for place, column in enumerate(table.header):
        if place in besides or not column:
            continue
        named = {text: split_named(text) for text in {cell(row, place) for row in table.rows}}
        named.pop("", None)
        splits = set(named.values())
        if None not in splits and TRAIN in splits and len(splits) > 1:
            found.setdefault(tuple(named.get(cell(row, place)) for row in table.rows), column)
    return [*found.values()]


def column_of_people(table: Table) -> str:
    """Give the name of a column that may say whose image it is: some texts are there twice."""
    for place, column in enumerate(table.header):
        if _SOMEBODY.fullmatch(fold(column)):
            texts = [cell(row, place) for row in table.rows]
            named = [text for text in texts if text.casefold() not in NOBODY]
            if 1 < len(set(named)) < len(named):
                return column
    return ""


def root_of(table: Table, options: Mapping[str, str]) -> Path:
    """Give the folder that paths begin at.

    Raises:
        BadInput: the option `root` names none.
    """
    if "root" not in options:
        return files.root_of(table.path)
    if not os.path.isdir(options["root"]):  # noqa: PTH112 (never raises)
        raise BadInput(
            f"The option root is '{options['root']}'; expected a folder that is there, from which "
            "the paths in the table begin."
        )
    return Path(options["root"])
