"""The table of a data set that was sent: what was read of it, and somebody's changes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

COLUMNS = ("path", "label", "patient", "split")
LEAVE_OUT, LABEL, PART = "leave out", "label", "part"


def changed(rows: Sequence[Sequence[str]], changes: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """Return rows of path, label, patient, split and more after the changes, in their order."""
    left = {row[0]: list(row) for row in rows}
    for change in changes:
        row = left.get(change["image"])
        if row is None:
            continue  # it was left out before
        if change["change"] == LEAVE_OUT:
            del left[change["image"]]
        elif change["change"] == LABEL:
            row[1] = change["to"]
        else:
            for other in left.values():
                if other[2] == row[2]:
                    other[3] = change["to"]
    return list(left.values())


def written(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as the text of a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
