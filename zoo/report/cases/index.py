"""The index of a casebook: every explained image in a table that can be sorted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from zoo import DISCLAIMER
from zoo.base.types import EMPTY
from zoo.report.cases.text import share_text
from zoo.report.rendering import render

WORTH = {"holds up": 10_000, "weak": 100, "do not use": 1}
"""Maps are sorted by how many hold up, then by how many are weak."""


def index_page(
    entries: Sequence[Entry],
    *,
    run: str,
    title: str = "Explained images",
    information: Mapping[str, Any] = EMPTY,
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page with a row for each image and links to its files.

    It is sorted by a script that it carries; without scripts it is in the order given.
    """
    return render(
        "index.html.j2",
        script="sort.js",
        title=title,
        run=run,
        rows=[_row(entry) for entry in entries],
        answers=Counter(entry.answer for entry in entries).most_common(),
        information=information,
        disclaimer=disclaimer,
    )


def _row(entry: Entry) -> dict[str, Any]:
    agreement = entry.agreement
    return {
        "name": entry.name,
        "page": quote(next(iter(entry.files.values()))) if entry.files else "",
        "answer": entry.answer,
        "confidence": entry.confidence,
        "confidence_text": share_text(entry.confidence),
        "agreement": -1 if agreement is None else agreement,
        "agreement_text": "none kept" if agreement is None else share_text(agreement),
        "verdicts": list(entry.verdicts.items()),
        "worth": sum(WORTH[level] * number for level, number in entry.verdicts.items()),
        "files": [(kind, quote(file)) for kind, file in entry.files.items()],
        "picture": f"data:image/jpeg;base64,{entry.thumbnail}",
    }


@dataclass(frozen=True)
class Entry:
    """One image of a casebook: a row of its index.

    `confidence` is the probability of the class that is or would be named; `agreement` is the
    share of the nearest cases with its label; `verdicts` counts the maps by what they are worth;
    `thumbnail` is a JPEG file in base64.
    """

    path: str
    name: str
    stem: str
    digest: str
    key: str
    answer: str
    confidence: float
    agreement: float | None
    verdicts: dict[str, int]
    files: dict[str, str]
    thumbnail: str = field(repr=False, default="")
