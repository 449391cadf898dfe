"""A folder of reports: the files of each explained image, and the log that an index is made of."""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.base.files import replacing, write_bytes, write_json, write_text
from zoo.base.locks import in_turn
from zoo.base.types import EMPTY
from zoo.interpret.case import Case
from zoo.report.cases import log
from zoo.report.cases.index import INDEX as INDEX
from zoo.report.cases.index import Entry, PageOf, index_page, page_name
from zoo.report.cases.log import LOG as LOG
from zoo.report.cases.overlays import enlarge
from zoo.report.cases.page import case_page
from zoo.report.cases.panel import panel, panel_pdf
from zoo.report.cases.record import case_record
from zoo.report.cases.text import agreement_of, tally
from zoo.report.facts import facts
from zoo.runs.run_folder import Run

FORMATS = ("html", "png", "pdf", "json")

DEFAULT_FORMATS: tuple[str, ...] = ("html", "png")

ROWS = 500
"""Images on a page of the index: with its pictures a page has 2 MB."""

THUMBNAIL_SIDE = 96


def entries(folder: Path) -> list[Entry]:
    """Return the images of a casebook in the order of their names, each once, the last one made.

    A line that was only half written is left out, and so are thumbnails: of 100,000 images they
    take 0.4 GB.

    Raises:
        BadInput: the log cannot be read.
    """
    by_path = {entry.path: replace(entry, thumbnail="") for _, entry in _logged(folder)}
    return sorted(by_path.values(), key=lambda entry: entry.stem)


def _logged(folder: Path) -> Iterator[tuple[int, Entry]]:
    """Yield what was explained, with the byte at which the line of each begins."""
    for place, told in log.lines(folder):
        try:
            entry = Entry(**told)
        except TypeError:  # it only keeps the names of files to come
            continue
        yield place, entry


def append(folder: Path, entry: Entry) -> None:
    """Add an image to the log of a casebook; a half-written line before it is closed first."""
    with in_turn(folder):
        log.add(folder, [asdict(entry)])


def write_index(folder: Path, run: Run) -> Path:
    """Write the index of a casebook and return its path: a page for each 500 images.

    The first one is `index.html`, the others are `pages/2.html` and so on. Where all images were
    answered by `run`, it is told of; else each row names its own.
    """
    with in_turn(folder):
        places: dict[str, tuple[str, str, str, int]] = {}
        for place, entry in _logged(folder):
            places[entry.path] = (entry.stem, entry.answer, entry.run, place)
        answers = Counter(answer for _, answer, _, _ in places.values())
        alone = all(by == run.name for _, _, by, _ in places.values())
        in_order = [place for *_, place in sorted(places.values())]
        starts = range(0, max(1, len(in_order)), ROWS)
        for number, start in enumerate(starts, 1):
            page = index_page(
                list(_at(folder, in_order[start : start + ROWS])),
                run=run.name if alone else "",
                information=facts(run) if alone else EMPTY,
                place=PageOf(number, len(starts), start + 1, len(in_order)),
                answers=answers.most_common(),
            )
            write_text(folder / page_name(number), page)
    return folder / INDEX


def _at(folder: Path, places: Sequence[int]) -> Iterator[Entry]:
    """Yield the images that were logged at these bytes."""
    if not places:
        return
    with (folder / LOG).open("rb") as opened:
        for place in places:
            opened.seek(place)
            yield Entry(**json.loads(opened.readline().decode("utf-8", errors="replace")))


def write_case(
    case: Case, folder: Path, stem: str, formats: Sequence[str], run: Run
) -> dict[str, str]:
    """Write a case as files `STEM.FORMAT`, arrays beside the JSON; return their names by format."""
    for name in formats:
        path = folder / f"{stem}.{name}"
        if name == "html":
            title = f"Explanation of {case.name}"
            write_text(path, case_page([case], title=title, information=facts(run)))
        elif name == "png":
            write_bytes(path, panel(case))
        elif name == "pdf":
            write_bytes(path, panel_pdf(case))
        else:
            record, arrays = case_record(case)
            with replacing(path.with_suffix(".npz")) as temporary:
                np.savez_compressed(temporary, allow_pickle=False, **arrays)
            write_json(path, {**record, "arrays": f"{stem}.npz", "about the run": facts(run)})
    return {name: f"{stem}.{name}" for name in formats}


def entry_of(
    case: Case, path: str, stem: str, digest: str, key: str, files: dict[str, str]
) -> Entry:
    """Return the row of the index for a case whose files were written."""
    return Entry(
        path=path,
        name=case.name,
        stem=stem,
        digest=digest,
        key=key,
        run=case.run,
        answer=case.refused or case.class_names[case.predicted],
        confidence=float(case.probabilities[case.predicted]),
        agreement=agreement_of(case),
        verdicts=tally(case),
        files=files,
        thumbnail=_thumbnail(case),
    )


def _thumbnail(case: Case) -> str:
    image = Image.fromarray(enlarge(case.pixels, case.shape))
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode()
