"""Classes that have a column each: 1 in the column of an image's class, 0 in the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from plugins.readers.csv_table.findings import Verdict, of_column
from plugins.readers.csv_table.labels import several_labels
from plugins.readers.csv_table.parsing import Row, Table
from zoo.base.class_names import CLASSES


@dataclass(frozen=True)
class OneHot:
    """What rows say in the columns of classes, by the columns' names."""

    table: Table = field(repr=False)
    says: Mapping[str, Callable[[Row], Verdict]] = field(repr=False)

    def label(self, row: Row) -> str:
        """Give the class whose cell is 1; empty when none is.

        Raises:
            BadInput: several are, or a cell holds something else than 1, 0, -1 or nothing.
        """
        given = self._given(row)
        if len(given) > 1:
            counted = dict.fromkeys(self.says, 0)
            for other in self.table.rows:
                for name in self._given(other):
                    counted[name] += 1
            raise several_labels(
                self.table,
                f"Line {row.line} of '{self.table.path}' has 1 for {' and for '.join(given)}.",
                counted,
            )
        return "".join(given)

    def _given(self, row: Row) -> list[str]:
        return [name for name, says in self.says.items() if says(row) is Verdict.POSITIVE]


def columns_of_classes(table: Table, chosen: Collection[str]) -> OneHot | None:
    """Find the columns that are called as the classes that were chosen; None when none is.

    Raises:
        BadInput: some of the classes have a column and others have none.
    """
    if all(table.column(name) is None for name in chosen):
        return None
    places = [table.named(name, CLASSES) for name in chosen]
    return OneHot(table, {table.header[place]: of_column(table, place) for place in places})


def exclusive(table: Table, names: Collection[str]) -> bool:
    """Tell whether exactly one of the columns is 1 in every row."""
    says = [of_column(table, table.named(name, CLASSES)) for name in names]
    return bool(table.rows) and all(
        [one(row) for one in says].count(Verdict.POSITIVE) == 1 for row in table.rows
    )
