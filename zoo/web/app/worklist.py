"""The list of a visitor's images: what each row says, and all of it as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from zoo.base.number_text import probability
from zoo.interpret.case import Case
from zoo.web.app.reading import Reading
from zoo.web.app.visitors import Visitor

CASE = "/read"
"""Where a case has its address: `/read/IMAGE?run=RUN`."""
HEADINGS = (
    *("image", "run", "answer", "refused", "reason", "class", "probability"),
    *("threshold", "verdicts"),
)


def address(key: str, run: str) -> str:
    """Return the address of a case, which works while its image is kept."""
    return f"{CASE}/{quote(key, safe='')}?{urlencode({'run': run})}"


def listed(visitor: Visitor) -> Iterator[tuple[str, Reading]]:
    """Yield the readings that the page Read shows, in the order in which the images came."""
    for key, of_runs in visitor.results.copy().items():
        for reading in of_runs.copy().values():
            if isinstance(reading, Reading) and reading.listed:
                yield key, reading


def row(key: str, reading: Reading) -> dict[str, Any]:
    """Return what a row of the list says.

    `probability` is that of the class which the operating point is about, `verdict` that on the
    map shown first.
    """
    case = reading.shown
    verdicts = _verdicts(case)
    chance = case.probabilities[reading.positive]
    return {
        "key": key,
        "run": case.run,
        "name": case.name,
        "address": address(key, case.run),
        "answer": case.refused or case.class_names[case.predicted],
        "refused": bool(case.refused),
        "chance": chance,
        "probability": probability(chance),
        "positive": case.class_names[reading.positive],
        "verdict": next(iter(verdicts.values()), ""),
        "explained": reading.explained,
        "unjudged": bool(reading.unjudged),
    }


def table(readings: Sequence[Reading]) -> str:
    """Return a CSV table with one line an image; a name never begins a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADINGS)
    for reading in readings:
        case = reading.shown
        writer.writerow(
            [
                _plain(case.name),
                _plain(case.run),
                _plain(case.refused or case.class_names[case.predicted]),
                "yes" if case.refused else "no",
                _plain(case.reason),
                _plain(case.class_names[reading.positive]),
                f"{case.probabilities[reading.positive]:.6f}",
                "" if case.threshold is None else f"{case.threshold:.6f}",
                "; ".join(f"{method}: {level}" for method, level in _verdicts(case).items()),
            ]
        )
    return text.getvalue()


def _verdicts(case: Case) -> dict[str, str]:
    """Return the verdict on each map that was judged, the one shown first at the start."""
    methods = [one.method for one in case.attributions]
    return {method: case.trust[method].level for method in methods if method in case.trust}


def _plain(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula (OWASP, CSV Injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
