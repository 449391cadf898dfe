"""A file to which answers are appended, and which tells afterwards what was answered."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo.base.errors import InvalidSetting
from zoo.base.files import writing
from zoo.data.arrivals import Stamp
from zoo.data.queries import Skipped
from zoo.workflows.incoming import Answered

ALWAYS = ("time", "image", "bytes", "modified", "run", "prediction", "leaning", "reason", "error")
"""Columns of a table; a column for each class follows. `modified` is in nanoseconds."""


class AnswerLog:
    """A table (`.csv`) or JSON lines (any other name), a line for each file.

    A line that was cut short, as by a power failure, is taken out when the file is opened again.

    Raises:
        InvalidSetting: the file is there, and is of another run or none of ours.
        NotWritten: it cannot be written.
    """

    def __init__(self, path: Path, run: str, class_names: Sequence[str]) -> None:
        self.path, self.run, self.class_names = path, run, tuple(class_names)
        self.as_table = path.suffix.lower() == ".csv"
        self.columns = (*ALWAYS, *self.class_names)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            text = _mended(path)
        self.done = self._read(text)
        if self.as_table and not text:
            self._append(self._csv(self.columns))

    def append(self, answered: Answered) -> None:
        """Write a line, which is on the disk when this returns.

        Raises:
            NotWritten: the disk is full, say.
        """
        row = self.row(answered)
        if self.as_table:
            shares = row.pop("probabilities")
            self._append(self._csv([*row.values(), *(shares.get(n, "") for n in self.class_names)]))
        else:
            self._append(json.dumps(row, ensure_ascii=False) + "\n")

    def row(self, answered: Answered) -> dict[str, Any]:
        """Return what a line says, as plain data."""
        arrival, answer = answered.arrival, answered.answer
        row: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "image": arrival.name,
            "bytes": arrival.stamp[0],
            "modified": arrival.stamp[1],
            "run": self.run,
        }
        if isinstance(answer, Skipped):
            told = {"prediction": "", "leaning": "", "reason": "", "error": answer.reason}
            return {**row, **told, "probabilities": {}}
        return {
            **row,
            "prediction": answer.label,
            "leaning": answer.leaning,
            "reason": answer.reason,
            "error": "",
            "probabilities": {k: round(share, 6) for k, share in answer.probabilities.items()},
        }

    def _read(self, text: str) -> Mapping[str, Stamp]:
        try:
            if self.as_table:
                table = csv.DictReader(io.StringIO(text), strict=True)
                if text and tuple(table.fieldnames or ()) != self.columns:
                    raise ValueError
                rows: list[dict[str, Any]] = list(table)
            else:
                lines = text.split("\n")[:-1]  # names may hold what else ends a line for Python
                rows = [json.loads(line) for line in lines]
            if any(row["run"] != self.run for row in rows):
                raise ValueError
            return {row["image"]: (int(row["bytes"]), int(row["modified"])) for row in rows}
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            raise InvalidSetting(
                f"'{self.path}' has lines of another run, or is no file of answers to a watched "
                "folder. Name another file."
            ) from error

    def _append(self, text: str) -> None:
        with writing(self.path), self.path.open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def _csv(cells: Sequence[Any]) -> str:
        text = io.StringIO()
        csv.writer(text).writerow(cells)  # which quotes what holds a part of its own line's end
        return text.getvalue().removesuffix("\r\n") + "\n"


def _mended(path: Path) -> str:
    """Return what a file holds up to its last whole line, and take the rest out of it."""
    if not path.exists():
        return ""
    with path.open("r+b") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            file.truncate(whole)
    return content[:whole].decode("utf-8", "replace")
