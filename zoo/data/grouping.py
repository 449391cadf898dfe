"""Which group an image belongs to: by a column of the source, or by how its file is named."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from zoo.base.errors import InvalidSetting, UnknownName
from zoo.base.types import Dataset, Sample

PREFIX = "prefix"
"""The rule over file names that stands beside the columns of a source."""
NOTHING_KNOWN = frozenset({"", "?", "n/a", "na", "nan", "null", "unknown"})
"""Cells that say that the value is not known, in small letters."""
AGES = ((0, 1), (2, 5), (6, 17), (18, 39), (40, 64), (65, math.inf))
"""Bands of full years, both ends included."""
OLDEST = 120
YEARS = {"": 1.0, "y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}
"""By the letter of DICOM's age strings, such as 045Y or 006M."""
MOST_GROUPS = 20
FEW_VALUES = 8
"""Up to so many different numbers are codes or counts, each a group; more are put into bands."""
MOSTLY = 0.9
"""Share of the known cells that must be numbers (or ages) for the column to be one of numbers."""

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([ymwd]?)", re.ASCII | re.IGNORECASE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True)
class Grouping:
    """The group of each image, in the order of the images; empty where it is not known."""

    column: str
    of_image: tuple[str, ...]
    order: tuple[str, ...]
    """The groups that occur, bands from low to high."""
    notes: tuple[str, ...] = ()
    """Sentences on how the groups were made."""


def check_column(dataset: Dataset, column: str) -> None:
    """Refuse a column that a data set does not have.

    Raises:
        UnknownName: with the columns that there are.
    """
    if column in dataset.attributes or column == PREFIX:
        return
    known = ", ".join(sorted(dataset.attributes)) or "none"
    raise UnknownName(
        f"There is no column '{column}' in '{dataset.source}'. Columns: {known}. Expected one of "
        f"them, or '{PREFIX}': the letters that the name of the file begins with."
    )


def group_samples(dataset: Dataset, samples: Sequence[Sample], column: str) -> Grouping:
    """Put each of the samples into a group by one column, or by the prefix of its file name.

    Raises:
        UnknownName: there is no such column.
        InvalidSetting: it has too many different values.
    """
    check_column(dataset, column)
    if column in dataset.attributes:
        return group_texts(column, [dataset.attributes[column](sample) for sample in samples])
    return _as_they_are(column, [prefix(sample.name) for sample in samples])


def prefix(name: str) -> str:
    """Return what precedes the first digit or separator of a file's name: 'person1_2' is 'person'.

    It is empty for a name that begins with a digit.
    """
    stem = PurePosixPath(name.replace("\\", "/")).stem
    letters = re.match(r"[^\W\d_]*", stem)
    return letters[0] if letters else ""


def group_texts(column: str, texts: Sequence[str]) -> Grouping:
    """Put each text of a column into a group: ages and other numbers in bands, the rest as it is.

    Ages are recognised by the column's name, as 'age' or 'Patient Age'. Other numbers are divided
    at their quartiles where they have more than 8 different values.

    Raises:
        InvalidSetting: more than 20 groups.
    """
    cells = ["" if text.strip().lower() in NOTHING_KNOWN else text.strip() for text in texts]
    if "age" in (word.lower() for word in _WORD.findall(column)):
        ages = _read(cells, _age)
        if ages is not None:
            return _banded(column, cells, ages, _age_bands(ages), f"an age from 0 to {OLDEST}")
    numbers = _read(cells, _number)
    if numbers is not None and len(np.unique(numbers[np.isfinite(numbers)])) > FEW_VALUES:
        return _banded(column, cells, numbers, _quartiles(numbers), "a number")
    return _as_they_are(column, cells)


def _read(cells: Sequence[str], read: Callable[[str], float | None]) -> np.ndarray | None:
    """Return the cells as numbers, NaN where unknown; None when too few of them are any."""
    values = [read(cell) for cell in cells if cell]
    fitting = sum(value is not None for value in values)
    if not fitting or fitting < MOSTLY * len(values):
        return None
    every = (read(cell) if cell else None for cell in cells)
    return np.array([math.nan if value is None else value for value in every])


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _age(cell: str) -> float | None:
    """Read years, as '45', '45.5', '045Y' or '006M'."""
    match = _AGE.fullmatch(cell)
    return float(match[1]) * YEARS[match[2].lower()] if match else None


def _age_bands(ages: np.ndarray) -> list[tuple[str, np.ndarray]]:
    full = np.floor(ages)
    return [
        (f"{low}+" if high == math.inf else f"{low}-{high}", (full >= low) & (full <= top))
        for low, high in AGES
        for top in [min(high, OLDEST)]
    ]


def _quartiles(values: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Divide at the quartiles; a band is called by the least and the greatest value in it."""
    edges = np.unique(np.nanquantile(values, [0.25, 0.5, 0.75]))
    place = np.where(np.isfinite(values), np.searchsorted(edges, values, side="left"), -1)
    bands = []
    for number in range(len(edges) + 1):
        inside = place == number
        if inside.any():
            low, high = values[inside].min(), values[inside].max()
            bands.append((f"{low:.15g}" if low == high else f"{low:.15g} to {high:.15g}", inside))
    return bands


def _banded(
    column: str,
    cells: Sequence[str],
    values: np.ndarray,
    bands: Sequence[tuple[str, np.ndarray]],
    expected: str,
) -> Grouping:
    of_image = np.full(len(values), "", dtype=object)
    for name, inside in bands:
        of_image[inside] = name
    strange = sum(bool(cell) and not name for cell, name in zip(cells, of_image, strict=True))
    note = f"{strange:,} cells of '{column}' are not {expected} and count as unknown."
    order = tuple(name for name, inside in bands if inside.any())
    return Grouping(column, tuple(of_image.tolist()), order, (note,) if strange else ())


def _by_number_and_name(cell: str) -> tuple[float, str]:
    value = _number(cell)
    return (math.inf if value is None else value, cell)


def _as_they_are(column: str, cells: Sequence[str]) -> Grouping:
    order = tuple(sorted({cell for cell in cells if cell}, key=_by_number_and_name))
    if len(order) > MOST_GROUPS:
        raise InvalidSetting(
            f"'{column}' has {len(order):,} different values among {len(cells):,} images, such as "
            f"'{order[0]}' and '{order[1]}'; expected at most {MOST_GROUPS} groups. Choose another "
            "column."
        )
    return Grouping(column, tuple(cells), order)
