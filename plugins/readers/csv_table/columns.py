"""Which column of a table holds what: named by an option, by a published layout or as is usual."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from plugins.readers.csv_table import by_content
from plugins.readers.csv_table.boxes import BOXES
from plugins.readers.csv_table.findings import (
    AGAINST,
    FINDING,
    Verdict,
    columns_of_findings,
    verdict_of,
)
from plugins.readers.csv_table.labels import listed, several_labels
from plugins.readers.csv_table.one_hot import exclusive
from plugins.readers.csv_table.parsing import Row, Table, cell
from plugins.readers.csv_table.published import Layout
from plugins.readers.csv_table.runs import RUNS
from zoo import BadInput
from zoo.base.class_names import CLASSES, fold

PATH, LABEL, PATIENT, SPLIT, READER = "path", "label", "patient", "split", "reader"
MASKS = "masks"
NO_SPLIT = "none"

USUAL: Mapping[str, tuple[str, ...]] = {
    PATH: (
        "path", "file", "filename", "file name", "filepath", "file path", "image", "image path",
        "image id", "imageid", "image name", "imagename", "image index", "patientid",
    ),
    LABEL: (
        "label", "class", "target", "diagnosis", "class name", "labels", "category", "finding",
        "findings", "pathology", "disease", "ground truth",
    ),
    PATIENT: (
        "patient", "patient id", "patientid", "patient number", "patient no", "patient nr",
        "subject", "subject id", "subjectid", "participant id", "person id", "mrn", "pid",
    ),
    SPLIT: ("split",),
    READER: (),
}  # fmt: skip
"""Usual names of columns, as `fold` makes them; the first goes before the others."""

USUAL_BOXES = (
    ("x", "y", "width", "height"),
    ("x", "y", "w", "h"),
    ("x min", "y min", "x max", "y max"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
)

_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Columns:
    """Where a row holds its image, label, patient, and so on; None: nowhere."""

    path: Callable[[Row], str]
    paths: tuple[int, ...]
    label: int | None
    patient: int | None
    split: int | None
    reader: int | None
    boxes: tuple[int, ...]
    runs: int | None
    masks: tuple[int, ...]
    note: str

    @property
    def last(self) -> int:
        """The place of the last column that is used: a shorter line cannot be."""
        single = (self.label, self.patient, self.split, self.reader, self.runs)
        places = (place for place in single if place is not None)
        return max(*self.paths, *self.boxes, *self.masks, *places, 0)


def find_columns(table: Table, options: Mapping[str, str]) -> Columns:
    """Find the columns that are used.

    Raises:
        BadInput: a column is missing or called as another, or several may be meant.
    """
    taken: dict[str, str] = {}
    path, paths = path_of_row(table, options, taken)
    places = {kind: _place(table, kind, options, taken) for kind in (LABEL, PATIENT, READER)}
    split = _split(table, options, taken, (*paths, *places.values()))
    boxes, masks = _listed(options, BOXES), _listed(options, MASKS)
    if MASKS in options and (BOXES in options or RUNS in options):
        raise BadInput(
            f"The option {MASKS}={options[MASKS]} says where findings are, and so does another. "
            f"Expected one of {BOXES}, {RUNS} and {MASKS}."
        )
    if not boxes and not masks and (boxes := _usual_boxes(table)):
        taken["boxes of findings"] = ", ".join(boxes)
    if len(boxes) not in (0, 1, 4):
        raise BadInput(
            f"The option boxes={options[BOXES]} cannot be used. Expected one column of lists, or "
            "four: left, top, width and height, or left, top, right and bottom."
        )
    shown = ", ".join(f"'{column}' for the {kind}" for kind, column in taken.items())
    return Columns(
        path,
        paths,
        places[LABEL],
        places[PATIENT],
        split,
        places[READER],
        tuple(table.named(name, BOXES) for name in boxes),
        table.named(options[RUNS], RUNS) if RUNS in options else None,
        tuple(table.named(name, MASKS) for name in masks),
        f"Columns taken: {shown}." if shown else "",
    )


def _split(
    table: Table,
    options: Mapping[str, str],
    taken: dict[str, str],
    besides: Collection[int | None],
) -> int | None:
    if options.get(SPLIT) == NO_SPLIT:
        return None
    place = _place(table, SPLIT, options, taken)
    return (
        place
        if place is not None
        else _only(table, SPLIT, by_content.columns_of_splits(table, besides), taken)
    )


def _only(table: Table, kind: str, names: Sequence[str], taken: dict[str, str]) -> int | None:
    """Give the place of the only column that may be of a kind, None without any."""
    if len(names) > 1:
        shown = ", ".join(f"'{name}'" for name in names)
        raise BadInput(
            f"Several columns of '{table.path}' may be the {kind}: {shown}. "
            f"Say which with '?{kind}=NAME'."
        )
    if not names:
        return None
    taken[kind] = names[0]
    return table.named(names[0], kind)


def _listed(options: Mapping[str, str], option: str) -> list[str]:
    """Give the columns that an option names, parted by commas."""
    return [name.strip() for name in options[option].split(",")] if option in options else []


def _usual_boxes(table: Table) -> list[str]:
    header = {fold(name): name for name in table.header}
    for names in USUAL_BOXES:
        if all(name in header for name in names):
            return [header[name] for name in names]
    return []


def need_labels(
    table: Table, columns: Columns, layout: Layout | None, options: Mapping[str, str]
) -> None:
    """Refuse a table without a column of labels when no finding is asked for.

    Raises:
        BadInput: with the findings that are there.
    """
    if FINDING in options:
        return
    if AGAINST in options:
        raise BadInput(f"'{AGAINST}={options[AGAINST]}' needs '{FINDING}=' beside it.")
    if columns.label is not None:
        return
    if columns.runs is not None:
        finding = layout.finding if layout else "NAME"
        raise BadInput(
            f"'{table.path}' marks where a finding is and has no labels. Ask for the finding with "
            f"'{table.path.name}?{FINDING}={finding}'."
        )
    names = columns_of_findings(table)
    if len(names) > 1 and exclusive(table, names):
        raise BadInput(
            f"'{table.path}' has no column of labels, and one of the columns {listed(names)} is 1 "
            f"in each row. Take these as the classes with '{table.path.name}?{CLASSES}="
            f"{','.join(names)}', or ask for one against the rest with '?{FINDING}={names[-1]}'."
        )
    if names and (layout is not None or len(names) > 1):
        counts = Counter(
            {
                name: sum(
                    verdict_of(cell(row, place).casefold()) is Verdict.POSITIVE
                    for row in table.rows
                )
                for name in names
                for place in [table.named(name, FINDING)]
            }
        )
        what = f"'{table.path}' gives several labels an image, one a column."
        raise several_labels(table, what, counts)
    raise BadInput(
        f"{table.miscounted(LABEL, 0)} Another can be chosen with '?{LABEL}=NAME', and a finding "
        f"that has a column of 1 and 0 with '?{FINDING}={''.join(names) or 'NAME'}'."
    )


def path_of_row(
    table: Table, options: Mapping[str, str], taken: dict[str, str] | None = None
) -> tuple[Callable[[Row], str], tuple[int, ...]]:
    """Give what makes the path of a row's image, and the columns that it is made of.

    Raises:
        BadInput: a column is missing, or several may be meant.
    """
    wanted = options.get(PATH, "")
    if names := _FIELD.findall(wanted):
        places = tuple(table.named(name, PATH) for name in names)
        texts = _FIELD.split(wanted)[::2]

        def joined(row: Row) -> str:
            cells = [cell(row, place) for place in places]
            if not all(cells):
                return ""
            return "".join(t + c for t, c in zip(texts, [*cells, ""], strict=True))

        return joined, places
    taken = {} if taken is None else taken
    place = _place(table, PATH, options, taken)
    if place is None:
        found = by_content.columns_of_paths(table, by_content.root_of(table, options))
        place = _only(table, PATH, found, taken)
    if place is None:
        raise BadInput(f"{table.miscounted(PATH, 0)} Another can be chosen with '?{PATH}=NAME'.")
    return lambda row: cell(row, place), (place,)


def _place(
    table: Table, kind: str, options: Mapping[str, str], taken: dict[str, str]
) -> int | None:
    if kind in options:
        return table.named(options[kind], kind)
    usual = USUAL[kind]
    if usual and (place := table.column(usual[0])) is not None:
        return place
    there = [place for name in usual if (place := table.column(name)) is not None]
    if kind == PATH and len(there) > 1 and table.header[there[-1]].casefold() == "patientid":
        there.pop()
    return _only(table, kind, [table.header[place] for place in there], taken)


def clean_path(table: Table, row: Row, path: Callable[[Row], str]) -> str:
    """Give the path of a row's image with `/` between its folders.

    Raises:
        BadInput: there is none, or it has control characters.
    """
    text = path(row)
    if not text:
        raise table.bad_line(row.line, "has no path")
    if not text.isprintable():
        raise table.bad_line(row.line, "has a path with control characters")
    return PurePosixPath(text.replace("\\", "/")).as_posix()
