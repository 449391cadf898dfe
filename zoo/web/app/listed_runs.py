"""The runs that the application may show, and the finished ones beside each other in a table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zoo.base import locks
from zoo.base.errors import DamagedRun, UnknownName
from zoo.base.sources import source_name
from zoo.base.types import TEST
from zoo.report.tables import TITLES, metric_text
from zoo.runs import run_folder
from zoo.runs.run_folder import Broken, Run
from zoo.web.app.shared import Shared
from zoo.web.app.trainings import Trainings
from zoo.web.service.library import unknown_run

PAGE = "/runs-of-this-folder"
METRICS = ("roc_auc", "accuracy", "sensitivity", "specificity")


@dataclass(frozen=True)
class Unfinished:
    """A run that is not finished; `training` is the id of what trains it now, `elsewhere` tells
    that another process does, such as one of a terminal; `resumable`, that neither does and another
    training may be started; `idle` is how long ago it was written.
    """

    run: Run
    training: str
    elsewhere: bool
    resumable: bool
    idle: str


def all_runs(shared: Shared) -> list[Run]:
    """Return the readable runs of the folder that may be shown, the newest first."""
    only = shared.library.only
    runs = [run for run in run_folder.listing(shared.folder) if not only or run.name in only]
    return runs[::-1]


def broken(shared: Shared) -> list[Broken]:
    """Return the runs of the folder that cannot be read, by name; no path of the server is told."""
    only = shared.library.only
    found = run_folder.survey(shared.folder)[1]
    return [
        replace(one, reason=one.reason.replace(f"{one.path.parent}/", ""))
        for one in found
        if not only or one.name in only
    ]


def listed_run(shared: Shared, name: str) -> Run:
    """Return a run by its name, which is compared and never made a path.

    Raises:
        UnknownName: there is none.
    """
    listed = {run.name: run for run in all_runs(shared)}
    if name in listed:
        return listed[name]
    raise unknown_run(name, listed)


def finished(shared: Shared, name: str) -> Run:
    """Return a finished run by its name.

    Raises:
        UnknownName: there is none, or it is not finished.
    """
    run = listed_run(shared, name)
    if not run.done:
        raise UnknownName(f"The run '{run.name}' is not finished. Resume it on the page Train.")
    return run


def path_of(run: Run) -> str:
    """Return the address of a run's page."""
    return f"{PAGE}/{quote(run.name, safe='')}"


def unfinished(shared: Shared, trainings: Trainings) -> list[Unfinished]:
    """Return the runs that are not finished, the newest first."""
    trained = {trainings.state(item).run: item.id for item in trainings.alive()}
    full = trainings.full

    def looked_at(run: Run) -> Unfinished:
        training = trained.get(run.name, "")
        elsewhere = not training and locks.is_held(run.path)
        resumable = not (training or elsewhere or full)
        return Unfinished(run, training, elsewhere, resumable, _ago(run.path))

    return [looked_at(run) for run in all_runs(shared) if not run.done]


def file_of(run: Run, name: str) -> Path:
    """Return a file of a run's folder; a link that leads out of it is not followed.

    Raises:
        UnknownName: the run has no such file.
    """
    path = run.path / name
    if not path.is_file() or not path.resolve().is_relative_to(run.path.resolve()):
        raise UnknownName(f"The run '{run.name}' has no '{name}'. Copy it again, or train again.")
    return path


def shown_source(source: str) -> str:
    """Return a source with its options, but without the folders above it."""
    _, mark, query = source.rpartition("?")
    name = source_name(source)
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


HEADINGS = tuple(TITLES[name] for name in METRICS)


def leaderboard_rows(finished: Sequence[Run]) -> list[dict[str, Any]]:
    """Return a row for each run, the one with the greatest ROC-AUC on its test part first."""
    made = [leaderboard_row(run) for run in finished]
    return sorted(made, key=lambda one: one["cells"][0]["value"], reverse=True)


def leaderboard_row(run: Run) -> dict[str, Any]:
    """Return what the table shows of a run; what cannot be read is sorted last."""
    try:
        scores: Mapping[str, Any] = run.metrics()[TEST]["metrics"]
        cells = [_cell(scores[name]) for name in METRICS]
    except (DamagedRun, KeyError, TypeError):
        cells = [{"value": -1, "text": "damaged", "interval": ""}] * len(METRICS)
    training = run.record["training"]
    return {
        "name": run.name,
        "architecture": run.record["architecture"],
        "data": shown_source(run.record["data"]["source"]),
        "synthetic": bool(run.record["data"].get("synthetic")),
        "cells": cells,
        "epochs": training.get("epochs", 0),
        "best": training.get("best_epoch", 0),
        "created": run.record.get("created", ""),
    }


def _cell(entry: Mapping[str, Any]) -> dict[str, Any]:
    text, interval = metric_text(entry)
    value = -1 if entry["value"] is None else entry["value"]
    return {"value": value, "text": text, "interval": interval}
