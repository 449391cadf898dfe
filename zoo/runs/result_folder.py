"""Where results on a data set are kept: under its name, apart from another set of that name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from zoo.base.errors import DamagedRun
from zoo.base.files import printable
from zoo.base.locks import in_turn
from zoo.base.sources import absolute, parse, source_slug
from zoo.runs.record import read_json
from zoo.runs.run_folder import Run

LONGEST = 40
"""Letters of a folder above the data that stand in a name."""


def source_of(run: Run, source: str | None) -> str:
    """Return the `source` that results record: as it is found from any folder; None: the run's."""
    return run.record["data"]["source"] if source is None else printable(absolute(source))


@contextlib.contextmanager
def result_folder(
    folder: Path, run: Run, source: str | None, file: str, *, own: str, ending: str = ""
) -> Iterator[Path]:
    """Give the folder in `folder` for what a run gave on a source, and keep others from writing.

    It is `own` for the run's own data (None), else the name of the source and `ending`. `file`
    holds the results, with their `source`. Where it is another's, or does not say whose, the folder
    above the source is named, too, or else a digest of it, so that nothing is lost.

    Raises:
        NotWritten: it cannot be made.
    """
    wanted = source_of(run, source)
    with in_turn(folder):
        if source is None:
            yield folder / own
            return
        places = [folder / f"{name}{ending}" for name in _names(source)]
        free = [one for one in places if one.name != own and not (one / file).exists()]
        kept = (one for one in places if _holder(one / file) == wanted and one.name != own)
        yield next(kept, free[0] if free else places[-1])


def _names(source: str) -> tuple[str, str, str]:
    """Return what results on a source may be called; the last is no other's."""
    slug, whole = source_slug(source), absolute(source)
    above = re.sub(r"[^\w.-]+", "_", Path(parse(whole)[0]).parent.name)[:LONGEST]
    digest = hashlib.blake2b(os.fsencode(whole), digest_size=4).hexdigest()
    return slug, f"{above}-{slug}".strip("-"), f"{slug}-{digest}"


def _holder(path: Path) -> str | None:
    """Return the source whose results a file holds; None where it does not say."""
    try:
        results = read_json(path)
    except DamagedRun:
        return None
    return results.get("source") if isinstance(results, dict) else None
