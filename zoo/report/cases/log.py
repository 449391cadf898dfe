"""The log of a casebook: a line for each explained image, and for each whose files have names."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.base.errors import BadInput
from zoo.base.files import writing

LOG = "cases.jsonl"


def lines(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield what was logged, line by line, with the byte at which each line begins.

    Each tells at least `path`, `stem` and `files`. A line that was only half written is left out.

    Raises:
        BadInput: the log cannot be read.
    """
    try:
        with (folder / LOG).open("rb") as log:
            place = 0
            for line in log:
                start, place = place, place + len(line)
                try:
                    told = json.loads(line.decode("utf-8", errors="replace"))
                except ValueError:  # half a line, which may end within a letter
                    continue
                if isinstance(told, dict) and {"path", "stem", "files"} <= told.keys():
                    yield start, told
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(
            f"The log '{folder / LOG}' cannot be read: {error.strerror}. Check the disk, or name "
            "another folder."
        ) from error


def add(folder: Path, told: Iterable[Mapping[str, Any]]) -> None:
    """Add lines to the log of a folder that is held; a half-written one before is closed first.

    Raises:
        NotWritten: the log cannot be written.
    """
    with writing(folder / LOG), (folder / LOG).open("ab+") as log:
        if log.tell():
            log.seek(-1, io.SEEK_END)
            if log.read(1) != b"\n":
                log.write(b"\n")
        for one in told:
            log.write(json.dumps(one, ensure_ascii=False).encode() + b"\n")
