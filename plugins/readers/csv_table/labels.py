"""Which labels of a table are used, and what their classes are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from zoo import InvalidSetting, UnknownName

CLASSES = "classes"


def chosen_classes(options: Mapping[str, str]) -> dict[str, str] | None:
    """Return the class of each label that was asked for, in their order; None when none was.

    `0:NORMAL,1:PNEUMONIA` gives the labels 0 and 1 other names; several labels may have the same.

    Raises:
        InvalidSetting: a label without a name or given twice, or fewer than two classes.
    """
    if CLASSES not in options:
        return None
    pairs = [part.strip().rpartition(":") for part in options[CLASSES].split(",")]
    named = {(label if mark else name).strip(): name.strip() for label, mark, name in pairs}
    if len(named) < len(pairs) or not all(map(all, named.items())) or len({*named.values()}) < 2:
        raise InvalidSetting(
            f"The classes '{options[CLASSES]}' cannot be used. Expected at least two, each label "
            "once, as 'classes=LABEL,LABEL' or 'classes=LABEL:NAME,LABEL:NAME'."
        )
    return named


def left_out(labels: Sequence[str], chosen: Mapping[str, str]) -> str:
    """Say how many rows have another label than those that were chosen; empty when none has.

    Raises:
        UnknownName: no row has a label that was chosen.
    """
    present = Counter(labels)
    for label in chosen:
        if not present[label]:
            raise UnknownName.among("label in the table", label, filter(None, present))
    others = {label: count for label, count in present.items() if label not in chosen}
    if not others:
        return ""
    empty = others.get("", 0)
    return (
        f"{sum(others.values()):,} rows are left out: {empty:,} have no label, "
        f"{sum(others.values()) - empty:,} another than those that were chosen."
    )
