"""The runs that the application may show."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from zoo import runs
from zoo.app.shared import Shared
from zoo.app.trainings import Trainings
from zoo.errors import UnknownName
from zoo.report.claim import source_name
from zoo.runs import Run

NAME_LENGTH = 255


@dataclass(frozen=True)
class Unfinished:
    """A run that is not finished; `training` is the id of what trains it now, `idle` how long ago
    it was last written.
    """

    run: Run
    training: str
    idle: str


def all_runs(shared: Shared) -> list[Run]:
    """Return the readable runs of the folder that may be shown, the newest first."""
    only = shared.library.only
    found = [run for run in runs.listing(shared.folder) if not only or run.name in only]
    return found[::-1]


def run(shared: Shared, name: str) -> Run:
    """Return a run by its name, which is compared and never made a path.

    Raises:
        UnknownName: there is none.
    """
    listed = {own.name: own for own in all_runs(shared)}
    if name in listed:
        return listed[name]
    if len(name) > NAME_LENGTH:
        raise UnknownName("There is no run of so long a name. See the list of runs.")
    raise UnknownName.among("run", name, listed)


def unfinished(shared: Shared, trainings: Trainings) -> list[Unfinished]:
    """Return the runs that are not finished, the newest first."""
    trained = {trainings.state(own).run: own.id for own in trainings.alive()}
    return [
        Unfinished(own, trained.get(own.name, ""), _ago(own.path))
        for own in all_runs(shared)
        if not own.done
    ]


def file_of(own: Run, name: str) -> Path:
    """Return a file of a run's folder; a link that leads out of it is not followed.

    Raises:
        UnknownName: the run has no such file.
    """
    path = own.path / name
    if not path.is_file() or not path.resolve().is_relative_to(own.path.resolve()):
        raise UnknownName(f"The run '{own.name}' has no '{name}'. Copy it again, or train again.")
    return path


def shown(source: str) -> str:
    """Return a source with its options, but without the folders above it."""
    _, mark, query = source.rpartition("?")
    name = source_name({"source": source})
    return f"{name}?{query}" if mark else name


def _ago(path: Path) -> str:
    """Say how long ago a run was last written."""
    written = max((file.stat().st_mtime for file in path.iterdir()), default=time.time())
    minutes = max(0.0, time.time() - written) / 60
    if minutes < 2:
        return "just now"
    if minutes < 120:
        return f"{minutes:.0f} minutes ago"
    hours = minutes / 60
    return f"{hours:.0f} hours ago" if hours < 48 else f"{hours / 24:.0f} days ago"
