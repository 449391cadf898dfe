"""A table's text made rows of cells, each with the number of its line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zoo import BadInput, UnknownName
from zoo.base.class_names import fold
from zoo.base.digests import check_regular

DELIMITERS = (",", ";", "\t", "|")
MAX_BYTES = 2 * 2**30
"""Of an unpacked table: a packed one of a few bytes may hold any number."""
COMMENT, FORMULA = "#", '="'
INVISIBLE = "\u200b"
"""A space without width, which is in no name on purpose."""
_ROUNDED = re.compile(r"\d[.,]\d+E\+\d\d", re.ASCII)
MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: its number, and a text for each column."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table that was read whole."""

    path: Path
    header: tuple[str, ...]
    rows: list[Row]

    def column(self, wanted: str) -> int | None:
        """Give the place of a column by its name, or by what `fold` makes of it; None without one.

        Raises:
            BadInput: several columns are called so.
        """
        for places in (
            [place for place, name in enumerate(self.header) if name == wanted],
            [place for place, name in enumerate(self.header) if fold(name) == fold(wanted)],
        ):
            if len(places) > 1:
                raise BadInput(self.miscounted(wanted, len(places)))
            if places:
                return places[0]
        return None

    def named(self, wanted: str, option: str) -> int:
        """Give the place of a column that an option names.

        Raises:
            BadInput: there is no such column, or several are called so.
        """
        place = self.column(wanted)
        if place is None:
            close = str(UnknownName.among("column", wanted, filter(None, self.header)))
            raise BadInput(
                f"{self.miscounted(wanted, 0)} Another can be chosen with '?{option}=NAME'. {close}"
            )
        return place

    def miscounted(self, wanted: str, count: int) -> str:
        """Say that not one column is called so."""
        return (
            f"'{self.path}' has {count} columns called '{wanted}' among: "
            f"{', '.join(self.header) or 'none'}. Expected one in the first line."
        )

    def bad_line(self, line: int, what: str) -> BadInput:
        """Give the error for a line that cannot be used."""
        return BadInput(f"Line {line} of '{self.path}' {what}. Correct the line or take it out.")


def read_table(path: Path) -> Table:
    """Read a whole table.

    UTF-8 or UTF-16, plain or packed by gzip; commas, semicolons, tabs or bars between the cells;
    a first line `sep=;`, titles and comments above the header and empty lines are passed over.

    Raises:
        BadInput: the table cannot be read, or a line of it cannot (with its number).
    """
    content = _unpacked(path)
    try:
        text = content.decode(_encoding(content[:2]))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput(
            f"'{path}' is not UTF-8 text (line {line}). Save it as CSV in UTF-8."
        ) from error
    return _parsed(path, text)


def _encoding(beginning: bytes) -> str:
    """Tell UTF-16 by its mark or, since a table begins with a plain letter, by its empty bytes."""
    if b"\0" in beginning:
        return "utf-16-be" if beginning.startswith(b"\0") else "utf-16-le"
    return MARKS.get(beginning, "utf-8-sig")


def _unpacked(path: Path) -> bytes:
    try:
        check_regular(path)
        if path.suffix.lower() != ".gz":
            return path.read_bytes()
        with gzip.open(path) as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise BadInput(f"'{path}' cannot be opened ({error}). Check the path.") from error
    if len(content) > MAX_BYTES:
        raise BadInput(f"'{path}' holds more than {MAX_BYTES:,} bytes, the limit. Divide it.")
    return content


def _parsed(path: Path, text: str) -> Table:
    plain = _without_formula if FORMULA in text else str.strip
    lines = io.StringIO(text.replace(INVISIBLE, ""), newline="")
    skipped, header_line = _above_header(lines)
    delimiter = delimiter_of(header_line, tabs=".tsv" in path.name.lower())
    lines.seek(0)
    for _ in range(skipped):
        next(lines)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    table = Table(path, (), [])
    texts: dict[str, str] = {}  # most cells hold one of a few texts: each is kept once
    try:
        header = tuple(map(plain, next(reader, [])))
        if len(header) == 1 and delimiter_of(header[0], least=1):  # each line in quotes as a whole
            return _parsed(path, "\n".join("".join(cells) for cells in ([header[0]], *reader)))
        table = Table(path, header, [])
        for cells in reader:
            line = reader.line_num + skipped
            stripped = [plain(cell) for cell in cells]
            if not any(stripped):
                continue
            if any(stripped[len(header) :]):
                raise table.bad_line(
                    line,
                    f"has {len(cells)} cells, more than the {len(header)} of the first line: a "
                    f"cell with '{delimiter}' in it needs quotes",
                )
            stripped = stripped[: len(header)]
            table.rows.append(Row(line, tuple(texts.setdefault(c, c) for c in stripped)))
    except csv.Error as error:
        line = reader.line_num + skipped
        raise table.bad_line(line, f"cannot be read: {error}") from error
    return table


def _above_header(lines: Iterable[str]) -> tuple[int, str]:
    """Give how many lines stand above the header, and the header: the first of two cells."""
    first: tuple[int, str] | None = None
    for number, line in enumerate(lines):
        if not line.strip() or line.lower().startswith("sep="):
            continue
        mark = delimiter_of(line, least=1)
        cells = [cell for cell in line.split(mark or None) if cell.strip()] if mark else []
        if len(cells) > 1 and not line.startswith(COMMENT):
            return number, line
        first = first or (number, line)
    return first or (0, "")


def _without_formula(cell: str) -> str:
    """Strip a cell of spaces, and of the formula by which Excel keeps a number as a text."""
    text = cell.strip()
    closed = len(text) > len(FORMULA) and text.endswith('"')
    return text[2:-1] if closed and text.startswith(FORMULA) else text


def delimiter_of(header: str, *, tabs: bool = False, least: int = 0) -> str:
    """Give what stands between the cells of a first line: what is most often there, unquoted.

    Empty where nothing is there `least` times.
    """
    outside = Counter("".join(header.split('"')[::2]))
    if tabs and outside["\t"]:
        return "\t"
    mark = max(DELIMITERS, key=lambda mark: outside[mark])
    return mark if outside[mark] >= least else ""


def number(text: str) -> float | None:
    """Read a number with a decimal point or comma; None when it is none."""
    try:
        return float(text.replace(",", ".") if "." not in text else text)
    except ValueError:
        return None


def chosen_rows(table: Table, where: str) -> tuple[list[Row], str]:
    """Give the rows in which columns have the values that are asked for, and a sentence.

    `view:PA` takes one value, `view:PA|AP` either, `view:PA,sex:M` rows with both.

    Raises:
        BadInput: the text is no such condition, a column is missing, or no row is left.
    """
    rows = table.rows
    for condition in where.split(","):
        column, mark, values = condition.rpartition(":")
        if not mark or not column.strip():
            raise BadInput(
                f"The condition 'where={where}' cannot be used. Expected COLUMN:VALUE, with "
                "several values as COLUMN:A|B and several conditions joined by commas."
            )
        place = table.named(column.strip(), "where")
        wanted = set(map(fold, values.split("|")))
        present = Counter(cell(row, place) for row in rows)
        rows = [row for row in rows if fold(cell(row, place)) in wanted]
        if not rows:
            shown = ", ".join(f"'{value}'" for value, _ in present.most_common(8))
            raise BadInput(
                f"No row of '{table.path}' has '{values}' for {column.strip()}; there is: {shown}."
            )
    return rows, f"{len(rows):,} of {len(table.rows):,} rows are chosen by where={where}."


def refuse_rounded(table: Table, row: Row, *places: int | None) -> None:
    """Refuse numbers of which a spreadsheet left the first digits: they name nobody.

    Raises:
        BadInput: with the line.
    """
    for place in places:
        if _ROUNDED.fullmatch(text := cell(row, place)):
            raise table.bad_line(
                row.line,
                f"has '{text}' for {table.header[place or 0]}, a long number that a spreadsheet "
                "rounded. Take the table as it was before, and import this column as text",
            )


def cell(row: Row, place: int | None) -> str:
    """Give a cell's text; empty for a column that is not there or a line that ends before it."""
    return row.cells[place] if place is not None and place < len(row.cells) else ""
