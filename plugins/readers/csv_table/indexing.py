"""The index of a table: what its rows say of each image, and how the images are read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from plugins.readers.csv_table import (
    boxes,
    by_content,
    columns,
    files,
    findings,
    folder,
    parsing,
    published,
)
from plugins.readers.csv_table.boxes import BOXES, FRAME
from plugins.readers.csv_table.cases import Case, CaseMaker, grouped
from plugins.readers.csv_table.classes import named
from plugins.readers.csv_table.columns import MASKS, SPLIT, Columns
from plugins.readers.csv_table.files import FIND
from plugins.readers.csv_table.findings import AGAINST, BLANK_IS, FINDING, LEAVE, UNCERTAIN_IS
from plugins.readers.csv_table.footer import without_footer
from plugins.readers.csv_table.labels import refuse_several
from plugins.readers.csv_table.marks import marks
from plugins.readers.csv_table.one_hot import OneHot, columns_of_classes
from plugins.readers.csv_table.parsing import Row, Table
from plugins.readers.csv_table.published import Layout
from plugins.readers.csv_table.runs import RUNS
from plugins.readers.csv_table.splits import from_lists
from zoo import BadInput, Dataset, Sample, check_options
from zoo.base import patients
from zoo.base.class_names import merged
from zoo.base.sources import TABLE_ENDINGS

OPTIONS = (
    *columns.USUAL, "patients", "root", FIND, "where", "classes", "subject",
    FINDING, AGAINST, UNCERTAIN_IS, BLANK_IS, BOXES, RUNS, MASKS, FRAME,
)  # fmt: skip


def opened(location: str, options: Mapping[str, str]) -> Dataset | None:
    """Index a table, or the folder that one belongs to; None where the location is neither."""
    table, note = None, ""
    if location and os.path.isdir(location):  # noqa: PTH112 (never raises)
        found = folder.table_of(Path(location), options)
        if found is None:
            return None
        table, note = found
    elif not location.lower().endswith(TABLE_ENDINGS):
        return None
    check_options("csv", options, OPTIONS)
    if options.get(FIND, files.BY_PATH) not in (files.BY_PATH, files.BY_NAME):
        raise BadInput(
            f"The option find is '{options[FIND]}'; expected '{files.BY_PATH}' or "
            f"'{files.BY_NAME}'."
        )
    return _index(table or parsing.read_table(Path(location)), options, note)


@dataclass(frozen=True)
class Cell:
    """Gives the text that one column has for an image, in the first of its rows."""

    rows: Mapping[str, Row] = field(repr=False)
    place: int

    def __call__(self, sample: Sample) -> str:
        """Return the cell in the image's row."""
        return parsing.cell(self.rows[sample.name], self.place)


def _index(table: Table, given: Mapping[str, str], opened: str) -> Dataset:
    from zoo.base.class_names import chosen_classes
    from zoo.base.file_attributes import attributes_below
    from zoo.base.pictures.image_files import ImagesBelow

    layout = published.recognised(table.header)
    options = {**(layout.options if layout else {}), **given}
    told = [opened, f"Recognised by its columns: the table of {layout.title}." if layout else ""]
    table, footer = without_footer(table, options)
    told.append(footer)
    used = columns.find_columns(table, options)
    told.append(used.note)
    if "where" in options:
        rows, note = parsing.chosen_rows(table, options["where"])
        table = Table(table.path, table.header, rows)
        told.append(note)
    chosen = chosen_classes(options)
    one_hot = None
    if chosen and FINDING not in options and used.label is None:
        one_hot = columns_of_classes(table, chosen)
    if one_hot is None:
        columns.need_labels(table, used, layout, options)
    if FINDING not in options and used.label is not None:
        refuse_several(table, used.label, table.header[used.label])
    root = by_content.root_of(table, options)
    made, note = _cases(table, used, layout, options, root, one_hot)
    told.append(note)
    cases, class_names, notes = named(table, made, options, chosen)
    told += notes
    split_of, note = _splits(table, cases, layout, options)
    cases = [case for case in cases if case.name in split_of]
    rule, people, people_note = _patients(table, cases, options)
    labels = {name: index for index, name in enumerate(class_names)}
    images = ImagesBelow(root)
    mask, mask_note = marks(table.path, cases, used, layout, options, images)
    return Dataset(
        source=str(table.path),
        class_names=class_names,
        samples=tuple(
            Sample(case.name, labels[case.label], patient, split_of[case.name])
            for case, patient in zip(cases, people, strict=True)
        ),
        read=images.read,
        path=images.path,
        digest=images.digest,
        header=images.header,
        mask=mask,
        patient_rule=rule,
        subject=options.get("subject", patients.CHEST if layout else patients.subject_of(rule)),
        notes=tuple(filter(None, (people_note, *told, note, mask_note))),
        attributes={**attributes_below(root, list(split_of)), **_attributes(table, cases)},
    )


def _cases(
    table: Table,
    used: Columns,
    layout: Layout | None,
    options: Mapping[str, str],
    root: Path,
    one_hot: OneHot | None,
) -> tuple[list[Case], str]:
    """Give the cases, those that are left out too, and a sentence."""
    paths = [(_path(table, used, row), row) for row in table.rows]
    located = files.locate([text for text, _ in paths], root, options.get(FIND, ""))
    boxes_named = [table.header[place] for place in used.boxes]
    maker = CaseMaker(
        table,
        used,
        findings.question(table, used.label, layout, options) if FINDING in options else None,
        one_hot,
        LEAVE if "classes" in options else options.get(BLANK_IS),
        boxes.frame_of(options),
        len(boxes_named) == 4 and boxes.are_corners(boxes_named),
    )
    groups = grouped(paths, located.of_text)
    repeated = len(table.rows) - len({row.cells for row in table.rows})
    note = f"{repeated:,} lines say the same as another and count once." if repeated else ""
    cases = [maker.case(name, rows) for name, rows in groups.items()]
    return cases, " ".join(filter(None, (located.note, note)))


def _path(table: Table, used: Columns, row: Row) -> str:
    if len(row.cells) <= used.last:
        raise table.bad_line(row.line, f"has {len(row.cells)} cells, fewer than the first line")
    parsing.refuse_rounded(table, row, used.patient, *used.paths)
    return columns.clean_path(table, row, used.path)


def _splits(
    table: Table, cases: list[Case], layout: Layout | None, options: Mapping[str, str]
) -> tuple[dict[str, str], str]:
    if layout is None or not layout.lists or SPLIT in options:
        return {case.name: case.split for case in cases}, ""
    return from_lists((table.path.parent, files.root_of(table.path)), layout.lists, cases)


def _patients(
    table: Table, cases: list[Case], options: Mapping[str, str]
) -> tuple[str, list[str], str]:
    """Give the rule, a patient for each case, and a sentence: of a column, or by a rule."""
    from zoo import assign_patients

    names = [case.name for case in cases]
    if "patients" in options or not any(case.patient for case in cases):
        rule, people, note = assign_patients(names, options.get("patients", patients.AUTO))
        column = by_content.column_of_people(table)
        if rule == patients.NONE and "patients" not in options and column:
            note += f" Does the column '{column}' name the patient? Then say 'patient={column}'."
        return rule, people, note
    spelling, _ = merged(case.patient for case in cases if case.patient)
    people = [spelling.get(case.patient, case.name) for case in cases]
    note = f"{len(set(people)):,} patients are named by the table."
    if alike := len(spelling) - len(set(spelling.values())):
        note += f" {alike:,} names are other spellings of one, as '1.0' is of '1'."
    if unnamed := sum(not case.patient for case in cases):
        note += f" {unnamed:,} images have none; each counts as a patient of its own."
    return patients.NONE, people, note


def _attributes(table: Table, cases: list[Case]) -> dict[str, Cell]:
    """Return a function for each column whose name is in the first line once."""
    rows = {case.name: case.row for case in cases}
    return {
        column: Cell(rows, place)
        for place, column in enumerate(table.header)
        if column and table.header.count(column) == 1
    }
