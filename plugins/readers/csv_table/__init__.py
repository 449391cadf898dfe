"""A table of images: a `.csv` or `.tsv` file with a header and a row an image.

Columns: `path`, `label` and, when there, `patient` and `split`; a column of boxes, where the
findings are, when one is named. Every column can be asked for as an attribute. The images are not
looked at while the table is read; one that is missing is reported when it is needed.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from plugins.readers.csv_table import boxes
from plugins.readers.csv_table.boxes import BOXES, FRAME, Box, Boxes
from plugins.readers.csv_table.labels import CLASSES, chosen_classes, left_out
from zoo import BadInput, Dataset, Header, Sample, check_options, hookimpl
from zoo.base.sources import split_named

if TYPE_CHECKING:
    import numpy as np

REQUIRED = ("path", "label")
OPTIONAL = ("patient", "split")
FIND, BY_PATH, BY_NAME = "find", "path", "name"


@hookimpl
def zoo_read_dataset(location: str, options: dict[str, str]) -> Dataset | None:
    """Index a table.

    Options: the column names `path`, `label`, `patient`, `split`; `root` (where the paths begin);
    `find` ('path', or 'name': below the root, whatever the folder and the ending); `classes` (the
    labels to use, each with a name if wanted: `0:NORMAL,1:PNEUMONIA`); `subject` (what the images
    show); `boxes` (the column with boxes of findings) and `frame` (the
    size of the image that boxes were drawn on, `SIDE` or `WIDTHxHEIGHT`; default: the file's own).
    """
    if not location.lower().endswith((".csv", ".tsv")) or os.path.isdir(location):  # noqa: PTH112
        return None
    check_options(
        "csv", options, (*REQUIRED, *OPTIONAL, "root", FIND, CLASSES, "subject", BOXES, FRAME)
    )
    if options.get(FIND, BY_PATH) not in (BY_PATH, BY_NAME):
        raise BadInput(
            f"The option find is '{options[FIND]}'; expected '{BY_PATH}' or '{BY_NAME}'."
        )
    return _index(Path(location), options)


@dataclass(frozen=True)
class TableImages:
    """Reads the images that a table names, relative to one folder."""

    root: Path

    def read(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Read one image as `(height, width, 3)` uint8."""
        from zoo import read_image

        return read_image(self.root / sample.name, size)

    def digest(self, sample: Sample) -> str:
        """Identify one file by its content."""
        from zoo import digest_file

        return digest_file(self.root / sample.name)

    def header(self, sample: Sample) -> Header:
        """Read what one file says of itself, without decoding it."""
        from zoo import read_header

        return read_header(self.root / sample.name)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of the table."""

    name: str
    label: str
    patient: str
    split: str
    boxes: tuple[Box, ...]
    header: tuple[str, ...] = ()
    """The names of all columns."""
    cells: tuple[str, ...] = ()
    """The whole line, a text for each of them."""


@dataclass(frozen=True)
class Cell:
    """Gives the text that one column has for an image."""

    rows: Mapping[str, tuple[str, ...]] = field(repr=False)
    place: int

    def __call__(self, sample: Sample) -> str:
        """Return the cell in the image's row."""
        return self.rows[sample.name][self.place]


def _index(table: Path, options: dict[str, str]) -> Dataset:
    from zoo import assign_patients
    from zoo.base import patients

    root = Path(options["root"]) if "root" in options else table.parent
    rows = list(_rows(table, options))
    if options.get(FIND) == BY_NAME:
        rows = _found(rows, root)
    rows.sort(key=lambda row: row.name)
    chosen, unused = chosen_classes(options), ""
    if chosen is not None:
        unused = left_out([row.label for row in rows], chosen)
        rows = [replace(row, label=chosen[row.label]) for row in rows if row.label in chosen]
    class_names = tuple(
        dict.fromkeys(chosen.values() if chosen else sorted({r.label for r in rows}))
    )
    if len(class_names) < 2:
        raise BadInput(
            f"'{table}' has {len(rows)} rows with the labels {', '.join(class_names) or 'none'}. "
            "Expected at least two different labels."
        )
    rule, people, note = assign_patients([row.name for row in rows])
    if any(row.patient for row in rows):
        rule, people = patients.NONE, [row.patient or row.name for row in rows]
        note = f"{len(set(people)):,} patients are named by the table."
        if unnamed := sum(not row.patient for row in rows):
            note += f" {unnamed:,} rows name none; each counts as a patient of its own."
    labels = {name: index for index, name in enumerate(class_names)}
    files = TableImages(root)
    marked = Boxes(files.header, {row.name: row.boxes for row in rows}, boxes.frame_of(options))
    return Dataset(
        source=str(table),
        class_names=class_names,
        samples=tuple(
            Sample(row.name, labels[row.label], patient, row.split)
            for row, patient in zip(rows, people, strict=True)
        ),
        read=files.read,
        digest=files.digest,
        header=files.header,
        mask=marked.mask if BOXES in options else None,
        patient_rule=rule,
        subject=options.get("subject", patients.subject_of(rule)),
        notes=tuple(filter(None, (note, unused))),
        attributes=_attributes(rows),
    )


def _attributes(rows: list[TableRow]) -> dict[str, Cell]:
    """Return a function for each column whose name is in the first line once."""
    header, cells = rows[0].header, {row.name: row.cells for row in rows}
    return {
        column: Cell(cells, place)
        for place, column in enumerate(header)
        if column and header.count(column) == 1
    }


def _found(rows: list[TableRow], root: Path) -> list[TableRow]:
    """Replace each path by that of the one image below the root with the same stem.

    Raises:
        BadInput: there is none, or there are several.
    """
    from zoo.base.images import is_image_name

    known: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(root.rglob("*")):
        if is_image_name(path):
            known[path.stem].append(path)
    matches = []
    for row in rows:
        paths = known.get(PurePosixPath(row.name).stem, [])
        if len(paths) != 1:
            raise BadInput(
                f"'{root}' has {len(paths)} images called '{PurePosixPath(row.name).stem}'; "
                "expected one. Give another root, or paths instead of names."
            )
        matches.append(replace(row, name=paths[0].relative_to(root).as_posix()))
    return matches


def _rows(table: Path, options: Mapping[str, str]) -> Iterator[TableRow]:
    """Yield the rows.

    Raises:
        BadInput: the table cannot be read, or a line of it cannot be used (with its number).
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            header = stream.readline()
            stream.seek(0)
            reader = csv.reader(stream, delimiter=_delimiter(table, header), strict=True)
            try:
                yield from _parsed(table, reader, options)
            except csv.Error as error:
                raise _bad_line(table, reader.line_num, f"cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"'{table}' is not UTF-8 text. Save it as CSV in UTF-8.") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"'{table}' cannot be opened ({error}). Check the path.") from error


def _delimiter(table: Path, header: str) -> str:
    if table.suffix.lower() == ".tsv":
        return "\t"
    return ";" if ";" in header and "," not in header else ","  # spreadsheets in much of Europe


def _parsed(
    table: Path, reader: Iterator[list[str]], options: Mapping[str, str]
) -> Iterator[TableRow]:
    header = tuple(cell.strip() for cell in next(reader, []))
    columns = _columns(table, header, options)
    needed = ("path",) if CLASSES in options else REQUIRED  # rows without a label are then left out
    frame = boxes.frame_of(options)
    lines: dict[str, int] = {}
    texts: dict[str, str] = {}  # most cells hold one of a few texts: each is kept once
    for cells in reader:
        line = reader.line_num  # type: ignore[attr-defined]
        if not any(cell.strip() for cell in cells):
            continue
        row = _row(table, line, cells, columns, needed, frame)
        if row.name in lines:
            raise _bad_line(table, line, f"names '{row.name}' again, after line {lines[row.name]}")
        lines[row.name] = line
        padded = [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))
        whole = tuple(texts.setdefault(cell, cell) for cell in padded[: len(header)])
        yield replace(row, header=header, cells=whole)


def _columns(table: Path, header: tuple[str, ...], options: Mapping[str, str]) -> dict[str, int]:
    """Find the place of each column that is used."""
    columns = {}
    for column in (*REQUIRED, *OPTIONAL, *([BOXES] if BOXES in options else [])):
        wanted = options.get(column, column)
        if header.count(wanted) == 1:
            columns[column] = header.index(wanted)
        elif column in REQUIRED or column in options or wanted in header:
            raise BadInput(
                f"'{table}' has {header.count(wanted)} columns called '{wanted}' among: "
                f"{', '.join(header) or 'none'}. Expected one in the first line; "
                f"another can be chosen with '?{column}=NAME'."
            )
    return columns


def _row(
    table: Path,
    line: int,
    cells: list[str],
    columns: dict[str, int],
    needed: tuple[str, ...],
    frame: tuple[int, int] | None,
) -> TableRow:
    if len(cells) <= max(columns.values()):
        raise _bad_line(table, line, f"has {len(cells)} cells, fewer than the first line")
    value = {column: cells[place].strip() for column, place in columns.items()}
    for column in needed:
        if not value[column]:
            raise _bad_line(table, line, f"has no {column}")
    split = split_named(value.get("split", ""))
    if value.get("split") and split is None:
        raise _bad_line(
            table, line, f"has the split '{value['split']}'; expected train, validation or test"
        )
    if not value["path"].isprintable():
        raise _bad_line(table, line, "has a path with control characters")
    name = PurePosixPath(value["path"].replace("\\", "/")).as_posix()
    box_list = boxes.parse(value.get(BOXES, ""), frame)
    if box_list is None:
        raise _bad_line(table, line, f"has {boxes.expected(value[BOXES], frame)}")
    return TableRow(name, value["label"], value.get("patient", ""), split or "", box_list)


def _bad_line(table: Path, line: int, what: str) -> BadInput:
    return BadInput(f"Line {line} of '{table}' {what}. Correct the line or take it out.")
