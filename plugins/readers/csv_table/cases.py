"""Rows made cases: one for each image, whatever number of rows names it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from plugins.readers.csv_table import boxes, runs
from plugins.readers.csv_table.boxes import Box, Boxed, Frame
from plugins.readers.csv_table.columns import Columns
from plugins.readers.csv_table.findings import BLANK_IS, LEAVE, Question, Verdict
from plugins.readers.csv_table.labels import BLANK, NOBODY, findings_in, is_list, several_labels
from plugins.readers.csv_table.one_hot import OneHot
from plugins.readers.csv_table.parsing import Row, Table, cell
from zoo.base.class_names import fold
from zoo.base.sources import split_named

NO_LABEL = "no label"
TIED = "readers disagree"


@dataclass(frozen=True, slots=True)
class Case:
    """One image: its label (empty when it is left out, then `why`), and what else its rows say."""

    name: str
    row: Row
    label: str
    why: str
    counted_as: str
    """What was uncertain or blank and counts as something else."""
    patient: str
    split: str
    boxes: tuple[Box, ...]
    runs: tuple[str, ...]
    masks: tuple[str, ...]
    """Files that show where the finding is, as the table names them."""


@dataclass(frozen=True)
class CaseMaker:
    """Makes a case of the rows of one image."""

    table: Table
    columns: Columns
    question: Question | None
    one_hot: OneHot | None
    blank: str | None
    """What an empty label is: `leave` leaves the image out, None refuses the line."""
    frame: Frame | None
    corners: bool

    def case(self, name: str, rows: list[Row]) -> Case:
        """Give the case of an image.

        Raises:
            BadInput: a line cannot be used, or lines contradict each other.
        """
        label, why, counted_as = self._label(name, rows)
        named = [row for row in rows if self._shows_it(row)]
        patient = self._same(name, rows, self.columns.patient, "patient")
        return Case(
            name,
            rows[0],
            label,
            why,
            counted_as,
            "" if patient.casefold() in NOBODY else patient,
            self._split(name, rows),
            tuple(dict.fromkeys(box for row in named for box in self._boxes(row))),
            tuple(dict.fromkeys(text for row in named for text in self._runs(row))),
            tuple(dict.fromkeys(text for row in named for text in self._masks(row))),
        )

    def _label(self, name: str, rows: list[Row]) -> tuple[str, str, str]:
        readings = [(cell(row, self.columns.reader), row) for row in rows]
        if self.question is not None:
            verdict, counted_as = self.question.answer(readings)
            negative, positive = self.question.names
            known = {Verdict.POSITIVE: positive, Verdict.NEGATIVE: negative}
            return known.get(verdict, ""), "" if verdict in known else verdict.value, counted_as
        said: dict[str, str] = {}
        spelt: dict[str, str] = {}
        for reader, row in readings:
            label = self._one_label(row)
            label = spelt.setdefault(fold(label), label)
            if label != said.setdefault(reader, label):
                raise self._contradiction(name, rows)
        votes = Counter(label for label in said.values() if label).most_common(2)
        if not votes:
            return "", NO_LABEL, ""
        if len(votes) > 1 and votes[0][1] == votes[1][1]:
            return "", TIED, ""
        return votes[0][0], "", ""

    def _one_label(self, row: Row) -> str:
        if self.one_hot is not None:
            return self.one_hot.label(row)
        text = cell(row, self.columns.label)
        if is_list(text):
            text = "".join(findings_in(text, "")[:1])
        if text.casefold() not in BLANK:
            return text
        if self.blank != LEAVE:
            raise self.table.bad_line(
                row.line, f"has no label ('?{BLANK_IS}={LEAVE}' leaves such lines out)"
            )
        return ""

    def _contradiction(self, name: str, rows: list[Row]) -> Exception:
        labels = Counter(label for row in rows if (label := self._one_label(row)))
        first = self._one_label(rows[0])
        other = next(row for row in rows if fold(self._one_label(row)) != fold(first))
        every = Counter(cell(row, self.columns.label) for row in self.table.rows)
        every.pop("", None)  # as all are where classes have a column each
        return several_labels(
            self.table,
            f"Line {other.line} of '{self.table.path}' names '{name}' again, after line "
            f"{rows[0].line}, with other labels: {', '.join(labels)}.",
            every or labels,
        )

    def _same(self, name: str, rows: list[Row], place: int | None, what: str) -> str:
        given = [(row.line, cell(row, place)) for row in reversed(rows)]
        texts = {fold(text): (line, text) for line, text in given}
        if len(texts) > 1:
            (line, one), (again, other) = sorted(texts.values())[:2]
            raise self.table.bad_line(
                again,
                f"names '{name}' again, after line {line}, with the {what} '{other}' instead of "
                f"'{one}'",
            )
        return min(texts.values())[1]

    def _split(self, name: str, rows: list[Row]) -> str:
        for row in rows:
            text = cell(row, self.columns.split)
            if text and split_named(text) is None:
                raise self.table.bad_line(
                    row.line, f"has the split '{text}'; expected train, validation or test"
                )
        return split_named(self._same(name, rows, self.columns.split, "split")) or ""

    def _shows_it(self, row: Row) -> bool:
        return self.question is None or self.question.says(row) is Verdict.POSITIVE

    def _boxes(self, row: Row) -> tuple[Box, ...]:
        cells = [cell(row, place) for place in self.columns.boxes]
        found: Boxed = ()
        if len(cells) == 1:
            found = boxes.parse(cells[0], self.frame)
        elif cells:
            found = boxes.of_columns(cells, self.frame, corners=self.corners)
        if found is None:
            raise self.table.bad_line(
                row.line, f"has {boxes.expected(', '.join(cells), self.frame)}"
            )
        return found

    def _runs(self, row: Row) -> tuple[str, ...]:
        text = cell(row, self.columns.runs)
        if not runs.are_runs(text):
            raise self.table.bad_line(
                row.line, "has no runs of pixels; expected pairs of numbers, or -1 for none"
            )
        return () if text in runs.NONE else (text,)

    def _masks(self, row: Row) -> list[str]:
        cells = [cell(row, place) for place in self.columns.masks]
        if not all(map(str.isprintable, cells)):
            raise self.table.bad_line(row.line, "names a mask with control characters")
        return [text for text in cells if text.casefold() not in BLANK]


def grouped(
    rows: Iterable[tuple[str, Row]], of_text: Mapping[str, tuple[str, ...]]
) -> dict[str, list[Row]]:
    """Give the rows of each image, by its name, in order; `rows` are with the text of the path."""
    found: dict[str, list[Row]] = defaultdict(list)
    for text, row in rows:
        for name in of_text[text]:
            found[name].append(row)
    return dict(sorted(found.items()))
