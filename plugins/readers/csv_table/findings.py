"""One finding against the rest: what each row says of it, and what several rows say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from plugins.readers.csv_table.labels import BLANK, findings_in, mark_between
from plugins.readers.csv_table.parsing import Row, Table, cell, number
from plugins.readers.csv_table.published import Layout
from plugins.readers.csv_table.runs import RUNS
from zoo import InvalidSetting, UnknownName
from zoo.base.class_names import fold

FINDING, AGAINST, UNCERTAIN_IS, BLANK_IS = "finding", "against", "uncertain", "blank"
LEAVE = "leave"


class Verdict(Enum):
    """What is said of a finding; the value tells why an image without an answer is left out."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNCERTAIN = "uncertain"
    BLANK = "blank"
    OTHER = "neither the finding nor what it is held against"


MEANINGS = {"positive": Verdict.POSITIVE, "negative": Verdict.NEGATIVE}

_VALUES = {1.0: Verdict.POSITIVE, 0.0: Verdict.NEGATIVE, -1.0: Verdict.UNCERTAIN}
_WORDS = {
    **dict.fromkeys(("true", "t", "yes", "y", "positive", "pos", "present"), Verdict.POSITIVE),
    **dict.fromkeys(("false", "f", "no", "n", "negative", "neg", "absent"), Verdict.NEGATIVE),
    **dict.fromkeys(("uncertain", "unclear", "equivocal", "possible", "maybe"), Verdict.UNCERTAIN),
}


@dataclass(frozen=True)
class Question:
    """A finding that is asked for; `names` are the classes, negative and positive."""

    names: tuple[str, str]
    says: Callable[[Row], Verdict]
    uncertain: Verdict | None
    """What uncertain counts as; None leaves it out."""
    blank: Verdict | None

    def answer(self, readings: Iterable[tuple[str, Row]]) -> tuple[Verdict, str]:
        """Give what an image's rows say, and what was counted as something else, if it was.

        `readings` are the rows with who read them. A reader's rows together are positive when one
        of them is; of several readers the majority counts, and a tie is uncertain.
        """
        by_reader: dict[str, Verdict] = {}
        for reader, row in readings:
            said = self.says(row)
            by_reader[reader] = min(by_reader.get(reader, said), said, key=_ORDER.index)
        votes = Counter(by_reader.values())
        yes, no = votes[Verdict.POSITIVE], votes[Verdict.NEGATIVE]
        if yes or no:
            verdict = Verdict.POSITIVE if yes > no else Verdict.NEGATIVE
            verdict = Verdict.UNCERTAIN if yes == no else verdict
        else:
            verdict = min(votes, key=_ORDER.index)
        instead = {Verdict.UNCERTAIN: self.uncertain, Verdict.BLANK: self.blank}.get(verdict)
        if instead is None:
            return verdict, ""
        return instead, f"images are {verdict.value} and count as {instead.value}"


_ORDER = (
    Verdict.POSITIVE,
    Verdict.UNCERTAIN,
    Verdict.NEGATIVE,
    Verdict.BLANK,
    Verdict.OTHER,
)


def question(
    table: Table, label: int | None, layout: Layout | None, options: Mapping[str, str]
) -> Question:
    """Make the question out of the options `finding`, `against`, `uncertain` and `blank`.

    Raises:
        UnknownName: the table knows no such finding.
        InvalidSetting: `uncertain` or `blank` has no meaning.
    """
    wanted, against = options[FINDING], options.get(AGAINST, "")
    name, says = _sayer(table, label, layout, wanted)
    negative = f"no {name}"
    if against:
        negative, other = _sayer(table, label, layout, against)
        said = says

        def says(row: Row) -> Verdict:
            """Hold the finding against another one alone."""
            verdict = said(row)
            if verdict in (Verdict.POSITIVE, Verdict.UNCERTAIN):
                return verdict
            return Verdict.NEGATIVE if other(row) is Verdict.POSITIVE else Verdict.OTHER

    return Question(
        (negative, name),
        says,
        meaning(options, UNCERTAIN_IS),
        meaning(options, BLANK_IS),
    )


def meaning(options: Mapping[str, str], option: str) -> Verdict | None:
    """Read what uncertain or blank cells count as: None when they are left out.

    Raises:
        InvalidSetting: it is neither positive, negative nor leave.
    """
    given = options.get(option, LEAVE)
    if given not in (LEAVE, *MEANINGS):
        raise InvalidSetting(
            f"The option {option} is '{given}'; expected 'positive', 'negative' or '{LEAVE}' "
            "(leave such images out)."
        )
    return MEANINGS.get(given)


def columns_of_findings(table: Table) -> list[str]:
    """Give the names of columns that hold nothing but 1, 0, -1 and blanks, or words like `yes`."""
    found = []
    for place, name in enumerate(table.header):
        texts = {cell(row, place).casefold() for row in table.rows}
        verdicts = {verdict_of(text) for text in texts - BLANK}
        if name and Verdict.POSITIVE in verdicts and None not in verdicts:
            found.append(name)
    return found


def verdict_of(text: str) -> Verdict | None:
    """Give what a cell of a finding's column says, in small letters; None of anything else."""
    value = number(text)
    return _WORDS.get(text) if value is None else _VALUES.get(value)


def _sayer(
    table: Table, label: int | None, layout: Layout | None, wanted: str
) -> tuple[str, Callable[[Row], Verdict]]:
    """Find the finding among the labels, the columns or what runs of pixels mark."""
    known: dict[str, str] = {}
    if label is not None:
        texts = {cell(row, label) for row in table.rows}
        mark = mark_between(texts, wanted)
        known = {fold(f): f for text in sorted(texts) for f in findings_in(text, mark)}
        if fold(wanted) in known:
            return known[fold(wanted)], _of_labels(label, mark, fold(wanted))
    place = table.column(wanted)
    if place is not None and place != label:
        return table.header[place], of_column(table, place)
    if layout is not None and layout.finding:
        if fold(wanted) == fold(layout.finding):
            runs = layout.options.get(RUNS)
            if runs is None and label is not None:
                return layout.finding, of_column(table, label)
            return layout.finding, _of_runs(table.named(runs or "", RUNS))
        known[fold(layout.finding)] = layout.finding
    names = [*known.values(), *columns_of_findings(table)]
    raise UnknownName.among(f"finding in '{table.path}'", wanted, names)


def _of_labels(place: int, mark: str, wanted: str) -> Callable[[Row], Verdict]:
    answers: dict[str, Verdict] = {}

    def says(row: Row) -> Verdict:
        text = cell(row, place)
        if text not in answers:
            named = {fold(finding) for finding in findings_in(text, mark)}
            absent = Verdict.NEGATIVE if named else Verdict.BLANK
            answers[text] = Verdict.POSITIVE if wanted in named else absent
        return answers[text]

    return says


def of_column(table: Table, place: int) -> Callable[[Row], Verdict]:
    """Give what a column of 1, 0, -1 and blanks says, or one of words such as `yes`.

    It raises BadInput for a row that holds something else.
    """

    def says(row: Row) -> Verdict:
        text = cell(row, place).casefold()
        if text in BLANK:
            return Verdict.BLANK
        verdict = verdict_of(text)
        if verdict is None:
            raise table.bad_line(
                row.line,
                f"has '{cell(row, place)}' for {table.header[place]}; expected 1, 0, -1 "
                "(uncertain) or nothing, or yes, no and uncertain",
            )
        return verdict

    return says


def _of_runs(place: int) -> Callable[[Row], Verdict]:
    def says(row: Row) -> Verdict:
        return Verdict.NEGATIVE if cell(row, place) in ("", "-1") else Verdict.POSITIVE

    return says
