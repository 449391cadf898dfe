"""Data sets that were sent to the application: kept in one folder, mended in a table.

FOLDER/NAME/images/            the files as they were sent; nothing here is ever changed
FOLDER/NAME/NAME-as-sent.csv   path, label, patient and part of each, as they were read
FOLDER/NAME/NAME.csv           the same after somebody's changes; this is trained on
FOLDER/NAME/set.json           how patients are found, and the changes, in order
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zoo.base import leftovers, locks
from zoo.base.errors import BadInput, InvalidSetting, UnknownName, ZooError
from zoo.base.files import write_json, write_text, writing
from zoo.base.patients import AUTO
from zoo.base.registry import Registry
from zoo.base.types import TEST, TRAIN, VALIDATION, Dataset, Sample
from zoo.data.intake import bytes_below, too_much
from zoo.data.sent_rules import check_rule
from zoo.data.verify import depth_of
from zoo.workflows.collected_table import COLUMNS, LABEL, LEAVE_OUT, PART, changed, written
from zoo.workflows.manage_runs import check_name

IMAGES, RECORD, ARCHIVE = "images", "set.json", "sent.zip"
SCHEMA = 1
LIMIT = 2_000_000_000
"""Bytes of all data sets of a folder."""
PARTS = (TRAIN, VALIDATION, TEST)
MOST_CHANGES = 10_000


@dataclass(frozen=True)
class Collected:
    """A data set that was sent: its folder and its record; `ready` once its table was written."""

    path: Path
    record: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def ready(self) -> bool:
        """Whether it can be checked and trained on."""
        return bool(self.record) and self.table.is_file()

    @property
    def source(self) -> str:
        """The text by which commands know the data set."""
        return str(self.table)

    @property
    def table(self) -> Path:
        """The table after the changes."""
        return self.path / f"{self.name}.csv"

    @property
    def as_sent(self) -> Path:
        """The table before them."""
        return self.path / f"{self.name}-as-sent.csv"

    @property
    def changes(self) -> list[dict[str, str]]:
        """The changes that were made, the first first."""
        return list(self.record.get("changes", ()))


def collected(folder: Path) -> list[Collected]:
    """Return the data sets of a folder, by name, each that is finished with its table."""
    return [
        _mended(Collected(path.parent, _record(path.parent)))
        for path in sorted(folder.glob(f"*/{IMAGES}"))
        if path.is_dir() and not path.parent.name.startswith(".")
    ]


def find_collected(folder: Path, name: str) -> Collected:
    """Return a data set by its name, which is compared and never made a path.

    Raises:
        UnknownName: there is none.
    """
    known = {one.name: one for one in collected(folder)}
    if name not in known:
        raise UnknownName.among("data set", name[:100], known)
    return known[name]


def room_left(folder: Path, limit: int = LIMIT) -> int:
    """Return how many bytes may still come."""
    return limit - bytes_below(folder)


def begin_set(folder: Path, name: str, limit: int = LIMIT) -> Collected:
    """Make the folder of a new data set.

    Raises:
        InvalidSetting: the name is taken, or cannot be one.
        BadInput: there is no room left.
        NotWritten: it cannot be made.
    """
    check_name(name)
    if room_left(folder, limit) <= 0:
        raise too_much(0)
    path = folder / name
    with locks.in_turn(folder), writing(path):
        try:
            path.mkdir()
        except FileExistsError as error:
            raise InvalidSetting(f"'{name}' is taken. Choose another name.") from error
        (path / IMAGES).mkdir()
    return Collected(path, {})


def read_set(one: Collected, registry: Registry, rule: str = AUTO, column: str = "") -> Dataset:
    """Read what was sent, with patients by a rule for names, or by a column of its table.

    Raises:
        InvalidSetting: its zip file is not unpacked.
        ZooError: the rule or column cannot be used, or the files are no data set.
    """
    if (one.path / ARCHIVE).exists():
        raise InvalidSetting(
            f"The zip file of '{one.name}' is not unpacked. Wait for that; where it was cut short, "
            "remove the data set and send it again."
        )
    options = []
    if column:
        options.append(f"patient={quote(column)}")
    elif rule != AUTO:
        check_rule(rule, [path.name for path in _some(one.path / IMAGES)])
        options.append(f"patients={quote(rule, safe='')}")
    source = str(one.path / IMAGES) + (f"?{'&'.join(options)}" if options else "")
    dataset = registry.dataset(source)
    if dataset.path is None:
        raise BadInput("What was sent are not single image files. Send a folder of images.")
    return dataset


def finish_set(one: Collected, registry: Registry, rule: str = AUTO, column: str = "") -> Collected:
    """Write the table of a data set, so that it can be checked and trained on.

    Raises:
        ZooError: what was sent cannot be read so.
    """
    dataset = read_set(one, registry, rule, column)
    path_of = dataset.path or _no_file
    extra = [name for name in dataset.attributes if name.lower() not in COLUMNS]
    rows = []
    for sample in dataset.samples:
        place = path_of(sample).resolve().relative_to(one.path.resolve()).as_posix()
        label = dataset.class_names[sample.label]
        told = [dataset.attributes[name](sample) for name in extra]
        rows.append([place, label, sample.patient, sample.split, *told])
    write_text(one.as_sent, written([*COLUMNS, *extra], rows))
    record = {
        "schema": SCHEMA,
        "patients": column or dataset.patient_rule,
        "class_names": list(dataset.class_names),
        "parts": any(sample.split for sample in dataset.samples),
        "bits": depth_of(path_of(sample) for sample in dataset.samples),
        "changes": one.changes,
    }
    done = _keep(Collected(one.path, record))
    again = registry.dataset(done.source)
    if len(again.samples) < len(rows) or not (again.path or _no_file)(again.samples[0]).is_file():
        (one.path / RECORD).unlink(missing_ok=True)
        raise BadInput("Its images are not found again by the table. Send it under another name.")
    return done


def change_set(one: Collected, image: str, change: str, to: str = "", why: str = "") -> Collected:
    """Leave an image out, give it another label, or move its patient to another part.

    Only the table changes; the files stay as they were sent.

    Raises:
        UnknownName: there is no such image, class or part.
        InvalidSetting: no such change, or the data set has no parts.
    """
    _, rows = _rows(one)
    if image not in {row[0] for row in rows}:
        raise UnknownName(f"'{image[-100:]}' is no image of '{one.name}'.")
    if change == LABEL and to not in one.record["class_names"]:
        raise UnknownName.among("class", to, one.record["class_names"])
    if change == PART:
        if not one.record["parts"]:
            raise InvalidSetting("This data set is not divided, so nothing can be moved.")
        if to not in PARTS:
            raise UnknownName.among("part", to, PARTS)
    elif change not in (LEAVE_OUT, LABEL):
        raise InvalidSetting(f"'{change}' is no change. Expected {LEAVE_OUT}, {LABEL} or {PART}.")
    changes = one.changes
    if len(changes) >= MOST_CHANGES:
        raise InvalidSetting(f"There are {MOST_CHANGES:,} changes already. Correct the files.")
    told = {"image": image, "change": change, "to": to, "why": why[:200]}
    return _keep(Collected(one.path, {**one.record, "changes": [*changes, told]}))


def undo_change(one: Collected, number: int) -> Collected:
    """Take a change back, by its place in the list.

    Raises:
        UnknownName: there is none.
    """
    changes = one.changes
    if not 0 <= number < len(changes):
        raise UnknownName(f"There is no change number {number}.")
    del changes[number]
    return _keep(Collected(one.path, {**one.record, "changes": changes}))


def remove_set(one: Collected) -> None:
    """Remove a data set with all its files.

    Raises:
        NotWritten: the system does not let it be removed.
    """
    with writing(one.path):
        gone = one.path.parent / leftovers.new_name()
        one.path.replace(gone)
        shutil.rmtree(gone)


def _keep(one: Collected) -> Collected:
    header, rows = _rows(one)
    after = changed(rows, one.changes)
    if len({row[1] for row in after}) < 2:
        raise InvalidSetting("Then less than two classes would be left. Undo another change first.")
    with locks.in_turn(one.path), writing(one.table):
        one.table.unlink(missing_ok=True)  # none is there that tells other than the record
        write_json(one.path / RECORD, one.record)
        write_text(one.table, written(header, after))
    return one


def _mended(one: Collected) -> Collected:
    """Write the table that whoever was ended after the record did not write.

    Where that cannot be, the data set is not ready.
    """
    if not one.record or one.ready:
        return one
    with contextlib.suppress(ZooError), locks.in_turn(one.path):
        now = Collected(one.path, _record(one.path))  # whoever held the folder may have written
        if now.record and not now.ready:
            header, rows = _rows(now)
            write_text(now.table, written(header, changed(rows, now.changes)))
        return now
    return one


def _rows(one: Collected) -> tuple[list[str], list[list[str]]]:
    try:
        text = one.as_sent.read_text("utf-8")
    except OSError as error:
        raise BadInput(f"'{one.name}' is not ready: say first how patients are named.") from error
    header, *rows = csv.reader(io.StringIO(text))
    return header, rows


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads((path / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and record.get("schema") == SCHEMA else {}


def _no_file(sample: Sample) -> Path:
    raise BadInput(f"'{sample.name}' is no file.")


def _some(folder: Path, most: int = 50) -> list[Path]:
    return [path for path, _ in zip(folder.rglob("*.*"), range(most), strict=False)]
