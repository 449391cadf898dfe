"""What the pages of the application work with."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoo.base.errors import UnknownName
from zoo.base.registry import DEFAULT_SOURCE
from zoo.base.sources import parse
from zoo.runs.run_folder import Run
from zoo.web.app.case_folder import TABLE
from zoo.web.app.durations import Durations
from zoo.web.app.tasks import Tasks
from zoo.web.app.visitors import Visitors
from zoo.web.service.endpoints import Desk
from zoo.web.service.library import Library, unknown_run
from zoo.workflows.collected_data import LIMIT, collected

LONGEST_SOURCE = 5000
"""Characters of the text that names a data set: a path, and options."""


@dataclass(frozen=True, eq=False)
class Shared:
    """Runs, data sources, visitors and their tasks.

    `named` are the data sets that were named when the application was started; a page names one
    by its text, which is compared, so no path ever comes from a browser. Each answer is noted at
    the `desk` of the service. `intake` is the folder of data sets that browsers send; None: they
    may send none. `room` is how many bytes these may have. `cases` is where cases are saved, if
    these are a data set for whoever comes here.
    """

    library: Library
    visitors: Visitors
    tasks: Tasks
    named: tuple[str, ...]
    desk: Desk
    intake: Path | None = None
    room: int = LIMIT
    cases: Path | None = None
    durations: Durations = field(default_factory=Durations)

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the data sets that pages may open: those named, those sent, and saved cases."""
        sent = () if self.intake is None else collected(self.intake)
        saved = () if self.cases is None or not _has_labels(self.cases) else (str(self.cases),)
        return (*self.named, *(one.source for one in sent if one.ready), *saved)

    @property
    def cases_source(self) -> str | None:
        """Return the text of the saved cases among the sources; None where they are none."""
        return str(self.cases) if str(self.cases) in self.sources else None

    @property
    def folder(self) -> Path:
        """Return the folder of the runs."""
        return self.library.folder

    def run(self, name: str) -> Run:
        """Return a finished run that may be asked, by its name, without loading its network.

        Raises:
            UnknownName: there is none.
        """
        known = {run.name: run for run in self.library.runs()}
        if name not in known:
            raise unknown_run(name, known)
        return known[name]

    def source(self, text: str) -> str:
        """Return a data source by its text, which is compared and never made a path.

        Raises:
            UnknownName: there is none of that text, or not any more.
        """
        if text not in self.sources:
            raise UnknownName(
                f"There is no data set '{text[:100]}' here. Choose one of the list: it has those "
                "that were named when the application was started, and those that were sent."
            )
        return text

    def is_open(self, source: str) -> bool:
        """Tell whether pictures of a source may be shown: it, or a folder around it, was named."""
        wanted = _location(source)
        inside = os.path.isdir(wanted)  # noqa: PTH112 (Path.is_dir raises on overlong names)
        return any(
            wanted == named or (inside and wanted.is_relative_to(named))
            for named in map(_location, self.sources)
        )


def sources_of(named: Sequence[str]) -> tuple[str, ...]:
    """Return the sources of an application: the synthetic one, and what was named."""
    return tuple(dict.fromkeys((*named, DEFAULT_SOURCE)))


def _has_labels(folder: Path) -> bool:
    """Tell whether a case of the folder has a label: then it is a data set."""
    try:
        with (folder / TABLE).open(encoding="utf-8") as table:
            return sum(1 for _ in itertools.islice(table, 2)) > 1
    except OSError:
        return False


def _location(source: str) -> Path:
    """Return where a source lies, its options left out; as it is named when there is no file."""
    location = parse(source)[0]
    exists = os.path.exists(location)  # noqa: PTH110 (Path.exists raises on overlong names)
    return Path(location).resolve() if exists else Path(location)
