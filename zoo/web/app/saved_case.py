"""One case that was saved, its record, and its row of the table to train on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMAGES = "images"
COLUMNS = ("path", "label", "patient", "case", "reader", "answer", "run", "saved")
LISTED = ("answer", "predicted", "run", "synthetic")
"""What a list shows of an answer."""


@dataclass(frozen=True, kw_only=True)
class SavedCase:
    """One case as it is kept. `label` is what a person says it is; empty: nothing was said.

    `answer` is what `zoo.report.cases.record` makes of a case, without known cases, whose pictures
    are the run's. `shape` is the picture's `(height, width)`. `version` counts changes, and
    `changes` are those: who, when, and what it was set to.
    """

    id: str
    saved: str
    user: str
    name: str
    digest: str
    patient: str
    shape: tuple[int, int]
    class_names: tuple[str, ...]
    answer: Mapping[str, Any]
    label: str = ""
    notes: str = ""
    version: int = 1
    changes: tuple[Mapping[str, Any], ...] = ()


def table_of(cases: Iterable[SavedCase]) -> str:
    """Return the text of the table: a row for each case with a label, in this order."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in cases:
        if one.label:
            reader = one.changes[-1]["user"] if one.changes else one.user
            about = one.id, reader, one.answer["answer"], one.answer["run"], one.saved
            writer.writerow([f"{IMAGES}/{one.id}.png", one.label, one.patient, *about])
    return text.getvalue()


def read_case(path: Path) -> SavedCase | None:
    """Read a record; None where there is none of ours."""
    try:
        told = json.loads(path.read_text("utf-8"))
        lists = {name: tuple(told[name]) for name in ("shape", "class_names", "changes")}
        found = SavedCase(**{**told, **lists})
        return found if found.answer.keys() >= set(LISTED) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # deleted meanwhile, or no record of ours
