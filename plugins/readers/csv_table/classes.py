"""The classes of a table: the labels of its cases, chosen and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from plugins.readers.csv_table.cases import Case
from plugins.readers.csv_table.findings import BLANK_IS, FINDING, UNCERTAIN_IS, Verdict
from plugins.readers.csv_table.parsing import Table
from zoo import BadInput
from zoo.base.class_names import fold, merged, renamed

MOST, FEWEST = 20, 4
"""More labels than these, with fewer images each, are measures or names and no classes."""
NOT_CHOSEN = "a label that was not chosen"


def named(
    table: Table,
    cases: Sequence[Case],
    options: Mapping[str, str],
    chosen: Mapping[str, str] | None,
) -> tuple[list[Case], tuple[str, ...], list[str]]:
    """Give the cases that are used, with the names of their classes; all classes; and sentences.

    Raises:
        BadInput: fewer than two classes are left.
        UnknownName: no case has a label that was chosen.
    """
    spelling, note = merged(case.label for case in cases if case.label)
    present = sorted(set(spelling.values()))
    if FINDING in options:  # the finding comes last, so that it is the class looked for
        present.sort(key=lambda label: fold(label) == fold(options[FINDING]))
    names = dict(zip(present, present, strict=True))
    if chosen is not None:
        names = renamed(chosen, present, "label in the table")
    why = Counter(case.why for case in cases if case.why)
    kept = []
    for case in cases:
        label = spelling.get(case.label, "")
        if label in names:
            kept.append(replace(case, label=names[label]))
        elif label:
            why[NOT_CHOSEN] += 1
    left_out = _left_out(why)
    class_names = tuple(dict.fromkeys(names.values()))
    if len(class_names) > max(MOST, len(kept) / FEWEST) and chosen is None:
        raise BadInput(
            f"'{table.path}' gives {len(class_names):,} different labels for {len(kept):,} images, "
            f"such as '{class_names[0]}' and '{class_names[1]}'. Expected a label for each class: "
            "say which column has them with '?label=NAME', or which labels to use with '?classes='."
        )
    if len(class_names) < 2:
        raise BadInput(
            f"'{table.path}' has {len(table.rows)} rows with the labels "
            f"{', '.join(class_names) or 'none'}. Expected at least two different labels. "
            f"{left_out}".rstrip()
        )
    return kept, class_names, [note, left_out, *_counted_as(cases)]


def _left_out(why: Counter[str]) -> str:
    if not why:
        return ""
    told = ", ".join(f"{count:,} {reason}" for reason, count in why.most_common())
    hints = {
        Verdict.UNCERTAIN.value: f"'{UNCERTAIN_IS}=positive' or '=negative' takes the uncertain",
        Verdict.BLANK.value: f"'{BLANK_IS}=negative' takes the blank",
    }
    hint = ", ".join(text for reason, text in hints.items() if why[reason])
    return f"{why.total():,} images are left out: {told}{f' ({hint})' if hint else ''}."


def _counted_as(cases: Sequence[Case]) -> list[str]:
    """Say how many uncertain or blank cells were given a meaning."""
    counts = Counter(case.counted_as for case in cases if case.counted_as)
    return [f"{count:,} {what}." for what, count in counts.items()]
