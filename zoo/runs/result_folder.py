"""Where results on a data set are kept: under its name, apart from another set of that name."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from zoo.base.errors import DamagedRun
from zoo.base.files import printable
from zoo.base.locks import in_turn
from zoo.base.sources import absolute, source_slug
from zoo.runs.record import read_json
from zoo.runs.run_folder import Run


def source_of(run: Run, source: str | None) -> str:
    """Return the `source` that results record: as it is found from any folder; None: the run's."""
    return run.record["data"]["source"] if source is None else printable(absolute(source))


@contextlib.contextmanager
def result_folder(
    folder: Path, run: Run, source: str | None, file: str, *, own: str, ending: str = ""
) -> Iterator[Path]:
    """Give the folder in `folder` for what a run gave on a source, and keep others from writing.

    It is `own` for the run's own data (None), else the name of the source and `ending`. `file`
    holds the results, with their `source`. Where it is another's, or does not say whose, the name
    gets a digest of the source, so that nothing is lost.

    Raises:
        NotWritten: it cannot be made.
    """
    wanted = source_of(run, source)
    with in_turn(folder):
        if source is None:
            yield folder / own
            return
        slug = source_slug(source)
        digest = hashlib.blake2b(wanted.encode(), digest_size=4).hexdigest()
        plain, apart = folder / f"{slug}{ending}", folder / f"{slug}-{digest}{ending}"
        free = plain.name != own and not (plain / file).exists()
        stays = not (apart / file).exists() and (free or _holder(plain / file) == wanted)
        yield plain if stays else apart


def _holder(path: Path) -> str | None:
    """Return the source whose results a file holds; None where it does not say."""
    try:
        results = read_json(path)
    except DamagedRun:
        return None
    return results.get("source") if isinstance(results, dict) else None
