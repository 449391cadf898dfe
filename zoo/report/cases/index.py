"""The index of a casebook: every explained image in a table that can be sorted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from zoo import DISCLAIMER
from zoo.base.number_text import percent, probability
from zoo.base.types import EMPTY
from zoo.report.rendering import render

WORTH = {"holds up": 1_000_000, "not judged enough": 10_000, "weak": 100, "do not use": 1}
"""Maps are sorted by how many hold up, then by how many may, then by how many are weak."""


INDEX = "index.html"


@dataclass(frozen=True)
class PageOf:
    """Which page of an index it is, its first image and how many there are in all, from 1."""

    number: int
    pages: int
    first: int
    images: int

    @property
    def up(self) -> str:
        """What leads from the page to the folder of the index."""
        return "" if self.number == 1 else "../"

    def links(self) -> list[tuple[str, str]]:
        """Return the pages that can be gone to from here, each with its address."""
        told = {
            "first": 1,
            "previous": self.number - 1,
            "next": self.number + 1,
            "last": self.pages,
        }
        return [
            (name, self.up + page_name(number))
            for name, number in told.items()
            if 1 <= number <= self.pages and number != self.number
        ]


def page_name(number: int) -> str:
    """Return the file of a page of an index; no image's report is called so."""
    return INDEX if number == 1 else f"pages/{number}.html"


def index_page(
    entries: Sequence[Entry],
    *,
    run: str = "",
    title: str = "Explained images",
    information: Mapping[str, Any] = EMPTY,
    place: PageOf | None = None,
    answers: Sequence[tuple[str, int]] = (),
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page with a row for each image and links to its files.

    It is sorted by a script that it carries; without scripts it is in the order given. Of an index
    of several pages it is that at `place`; `answers` are counted over all of them. `run` is what
    answered all of them; without it each row names its own.
    """
    place = place or PageOf(1, 1, 1, len(entries))
    return render(
        "index.html.j2",
        script="sort.js",
        title=title,
        run=run,
        runs_differ=not run and any(entry.run for entry in entries),
        rows=[_row(entry, place.up) for entry in entries],
        answers=answers or Counter(entry.answer for entry in entries).most_common(),
        place=place,
        last=place.first + len(entries) - 1,
        information=information,
        disclaimer=disclaimer,
    )


def _row(entry: Entry, up: str) -> dict[str, Any]:
    agreement = entry.agreement
    return {
        "name": entry.name,
        "page": up + quote(next(iter(entry.files.values()))) if entry.files else "",
        "answer": entry.answer,
        "run": entry.run,
        "confidence": entry.confidence,
        "confidence_text": probability(entry.confidence),
        "agreement": -1 if agreement is None else agreement,
        "agreement_text": "none kept" if agreement is None else percent(agreement, 0),
        "verdicts": list(entry.verdicts.items()),
        "worth": sum(WORTH[level] * number for level, number in entry.verdicts.items()),
        "files": [(kind, up + quote(file)) for kind, file in entry.files.items()],
        "picture": f"data:image/jpeg;base64,{entry.thumbnail}",
    }


@dataclass(frozen=True)
class Entry:
    """One image of a casebook: a row of its index.

    `confidence` is the probability of the class that is or would be named; `agreement` is the
    share of the nearest cases with its label; `verdicts` counts the maps by what they are worth;
    `thumbnail` is a JPEG file in base64, and empty where only the rest was asked for; `run` is
    empty where it was not written down.
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
    thumbnail: str = field(repr=False, compare=False, default="")
    run: str = ""
