"""A folder of reports: the files of each explained image, and the log that an index is made of."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.base.errors import BadInput
from zoo.base.files import replacing, write_bytes, write_json, write_text, writing
from zoo.base.locks import in_turn
from zoo.interpret.case import Case
from zoo.report.cases.index import Entry, index_page
from zoo.report.cases.overlays import enlarge
from zoo.report.cases.page import case_page
from zoo.report.cases.panel import panel, panel_pdf
from zoo.report.cases.record import case_record
from zoo.report.cases.text import agreement_of, tally
from zoo.report.facts import facts
from zoo.runs.run_folder import Run

FORMATS = ("html", "png", "pdf", "json")

DEFAULT_FORMATS: tuple[str, ...] = ("html", "png")

LOG, INDEX = "cases.jsonl", "index.html"

THUMBNAIL_SIDE = 96


def entries(folder: Path) -> list[Entry]:
    """Return the images of a casebook in the order of their names, each once, the last one made.

    A line that was only half written is left out.

    Raises:
        BadInput: the log cannot be read.
    """
    by_path: dict[str, Entry] = {}
    try:  # half a line may end within a letter
        lines = (folder / LOG).read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(
            f"The log '{folder / LOG}' cannot be read: {error.strerror}. Check the disk, or name "
            "another folder."
        ) from error
    for line in lines:
        try:
            entry = Entry(**json.loads(line))
        except (ValueError, TypeError):
            continue
        by_path[entry.path] = entry
    return sorted(by_path.values(), key=lambda entry: entry.stem)


def append(folder: Path, entry: Entry) -> None:
    """Add an image to the log of a casebook; a half-written line before it is closed first."""
    with in_turn(folder), writing(folder / LOG), (folder / LOG).open("ab+") as log:
        if log.tell():
            log.seek(-1, io.SEEK_END)
            if log.read(1) != b"\n":
                log.write(b"\n")
        log.write(json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n")


def write_index(folder: Path, run: Run) -> Path:
    """Write the index page of a casebook and return its path."""
    with in_turn(folder):
        page = index_page(entries(folder), run=run.name, information=facts(run))
        write_text(folder / INDEX, page)
    return folder / INDEX


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
