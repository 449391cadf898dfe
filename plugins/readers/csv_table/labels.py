"""What a cell of labels says: one label, or several findings at once."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from plugins.readers.csv_table.parsing import Table
from zoo import BadInput
from zoo.base import class_names
from zoo.base.class_names import fold

BAR = "|"
LISTING = (";", ",")
OTHER_MARKS = (*LISTING, "+", "/", "&")
BLANK = frozenset(
    {"", "nan", "<na>", "[]", "['']", "na", "n/a", "null"}
    | {"#n/a", "#name?", "#null!", "#ref!", "#value!"}
)
"""Cells without a value, as people, pandas and Excel write them."""
NOBODY = BLANK | {"?", "-", "none", "unknown", "anonymous", "anonymized", "anonymised"}
"""What stands for a patient where none is named."""
HEALTHY = class_names.HEALTHY | {"0"}
SHOWN = 8


def mark_between(labels: Iterable[str], finding: str = "") -> str:
    """Give what stands between several findings of a cell; empty when cells hold one each.

    A bar always does. Another mark does where all that it parts are labels of other rows, or one
    of them is the `finding` that is asked for; so `bacterial, severe` stays one label, unless some
    row says `bacterial` alone. A decimal comma is none.
    """
    texts = set(labels)
    if any(BAR in text for text in texts if not is_list(text)):
        return BAR
    alone = set(map(fold, texts))
    for mark in OTHER_MARKS:
        for text in texts:
            parts = {fold(part) for part in text.split(mark)}
            if len(parts) < 2 or fold(text).isdigit():
                continue
            known = not alone.isdisjoint(parts) if mark in LISTING else parts <= alone
            if known or (finding and fold(finding) in parts):
                return mark
    return ""


def findings_in(text: str, mark: str) -> tuple[str, ...]:
    """Give the findings that a cell names: none when it is blank."""
    if text.casefold() in BLANK:
        return ()
    if is_list(text):
        return tuple(dict.fromkeys(_listed(text)))
    parts = text.split(mark) if mark else [text]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def is_list(text: str) -> bool:
    """Tell whether a cell is a list as Python writes it: `['pneumonia', 'normal']`."""
    return text.startswith("[") and text.endswith("]")


def refuse_several(table: Table, place: int, column: str) -> None:
    """Refuse labels that name several findings at once.

    Raises:
        BadInput: with the findings there are, and how to ask for one of them.
    """
    labels = Counter(row.cells[place] for row in table.rows if place < len(row.cells))
    mark = mark_between(labels)
    parts = {label: findings_in(label, mark) for label in labels}
    example = max(parts, key=lambda label: (len(parts[label]) > 1, labels[label]), default="")
    if len(parts.get(example, ())) < 2:
        return
    several = sum(count for label, count in labels.items() if len(parts[label]) > 1)
    line = next(row.line for row in table.rows if row.cells[place : place + 1] == (example,))
    counted: Counter[str] = Counter()
    for label, count in labels.items():
        counted.update(dict.fromkeys(parts[label], count))
    raise several_labels(
        table,
        f"The column '{column}' of '{table.path}' gives several labels an image in {several:,} of "
        f"{len(table.rows):,} rows, such as '{example}' (line {line}).",
        counted,
    )


def several_labels(table: Table, what: str, counted: Mapping[str, int]) -> BadInput:
    """Give the error for several labels an image, with how to ask for one finding."""
    common = sorted(counted, key=lambda label: (-counted[label], label))
    ill = next((label for label in common if fold(label) not in HEALTHY), common[0])
    well = next((label for label in common if fold(label) in HEALTHY), "")
    against = f", or against one other with '&against={well}'" if well else ""
    return BadInput(
        f"{what} Expected one label an image. Ask for one finding against the rest, with "
        f"'{table.path.name}?finding={ill}'{against}. Findings: {listed(common)}."
    )


def listed(names: Sequence[str]) -> str:
    """Give the first names of a list, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _listed(text: str) -> list[str]:
    try:
        given = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        given = [part.strip(" '\"") for part in text[1:-1].split(",")]  # a list without quotes
    items = given if isinstance(given, list) else []
    return [str(item).strip() for item in items if str(item).strip()]
