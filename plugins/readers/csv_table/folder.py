"""The table of a folder whose images lie in no class folders: `images/` and `labels.csv`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from plugins.readers.csv_table import columns, files, parsing
from plugins.readers.csv_table.findings import FINDING, columns_of_findings
from plugins.readers.csv_table.footer import without_footer
from plugins.readers.csv_table.parsing import Table
from plugins.readers.csv_table.published import Layout, recognised
from zoo import BadInput
from zoo.base.class_names import CLASSES
from zoo.base.mask_names import is_images_folder, is_mask_folder
from zoo.base.sources import TABLE_ENDINGS

NEARLY_ALL = 0.9
"""Share of the images that a table names which must be there: then it is of this folder."""
CLASS, ROOT = "class", "root"
"""Options that say that the folder is not meant so."""


def table_of(folder: Path, options: Mapping[str, str]) -> tuple[Table, str] | None:
    """Find the only table that names the images of a folder, and say so in a sentence.

    None where there is no such table, or where folders may be the classes.

    Raises:
        BadInput: several tables name images that are there.
    """
    from zoo.base.pictures.image_files import walk

    if {CLASS, ROOT} & set(options):
        return None
    try:
        folder = _stepped_into(folder)
        paths = _tables(folder)
    except OSError:
        return None  # the reader of folders says it
    if not paths:
        return None
    there = {name for name in walk(folder).names if not _is_mask(name)}
    if not all(map(_is_loose, there)):
        return None
    tables = [(table, recognised(table.header)) for table in map(_read, paths) if table]
    aside = {layout.boxes_beside for _, layout in tables if layout}
    named = [
        (table, len(found))
        for table, layout in tables
        if table.path.name not in aside
        and (found := there & _images(table, layout, folder, options))
    ]
    if len(named) > 1:
        told = ", ".join(f"'{table.path}' ({count:,} images)" for table, count in named)
        raise BadInput(
            f"Several tables name images in '{folder}': {told}. Expected one: give the table that "
            "you mean instead of the folder."
        )
    for table, count in named:
        return table, (
            f"Opened by '{table.path}', the only table that names images in '{folder}': "
            f"{count:,} of {len(there):,}."
        )
    return None


def _stepped_into(folder: Path) -> Path:
    """Step through folders that hold one folder and nothing else, as archives have them."""
    while True:
        visible = [e for e in os.scandir(folder) if not e.name.startswith((".", "__"))]
        if len(visible) != 1 or visible[0].is_symlink() or not visible[0].is_dir():
            return folder
        folder = Path(visible[0].path)


def _tables(folder: Path) -> list[Path]:
    """Give the tables in a folder and in those that are kept for them, such as `annotations`."""
    with os.scandir(folder) as entries:
        beside = [Path(e.path) for e in entries if e.name.lower() in files.ASIDE and e.is_dir()]
    return sorted(
        path
        for place in (folder, *beside)
        for path in place.iterdir()
        if path.name.lower().endswith(TABLE_ENDINGS)
        and not path.name.startswith(".")
        and path.is_file()
    )


def _read(path: Path) -> Table | None:
    try:
        return parsing.read_table(path)
    except BadInput:
        return None  # it is told when it is named


def _images(
    table: Table, layout: Layout | None, folder: Path, options: Mapping[str, str]
) -> set[str]:
    """Give the images that a table of labels names: none where many of them are not there."""
    options = {**(layout.options if layout else {}), **options}
    try:
        if not _tells_classes(table, options):
            return set()
        table, _ = without_footer(table, {**options, ROOT: str(folder)})
        path = columns.path_of_row(table, options)[0]
        texts = {columns.clean_path(table, row, path) for row in table.rows}
        found = files.locate(sorted(texts), folder, options.get(files.FIND, "")).of_text
    except BadInput:
        return set()
    missing = [text for text, names in found.items() if not _are_there(folder, names)]
    if len(missing) > (1 - NEARLY_ALL) * len(texts):
        return set()
    return {name for names in found.values() for name in names}


def _are_there(folder: Path, names: Iterable[str]) -> bool:
    return all(os.path.isfile(os.path.join(folder, n)) for n in names)  # noqa: PTH113, PTH118


def _tells_classes(table: Table, options: Mapping[str, str]) -> bool:
    """Tell whether a table has labels, or is asked for some; another may describe the images."""
    return (
        not {FINDING, CLASSES, columns.LABEL}.isdisjoint(options)
        or any(table.column(name) is not None for name in columns.USUAL[columns.LABEL])
        or len(columns_of_findings(table)) > 1
    )


def _is_mask(name: str) -> bool:
    return any(map(is_mask_folder, PurePosixPath(name).parts[:-1]))


def _is_loose(name: str) -> bool:
    """Tell whether an image lies in no folder, or in such as only hold images."""
    return all(map(is_images_folder, PurePosixPath(name).parts[:-1]))
