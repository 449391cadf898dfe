"""Tell a tracker of a run that is finished, and bring a run back from there."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from zoo.base.errors import BadInput, DamagedRun, InvalidSetting
from zoo.base.folders import replacing_folder
from zoo.base.listeners import listener
from zoo.base.progress import Progress
from zoo.base.remote import is_address
from zoo.runs import run_folder, tracking
from zoo.runs.mlflow_store import Store
from zoo.runs.run_folder import Run
from zoo.runs.tracking import MLFLOW, about_run
from zoo.workflows.manage_runs import check_name

_SOURCE = re.compile(rf"{MLFLOW}:(?P<run_id>[0-9a-f]{{32}})")


def track_run(
    name: str | Path | None = None,
    track: str = MLFLOW,
    *,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> str:
    """Tell a tracker of a finished run and return the run's id there.

    `name` is that of a run of `folder` (default: ZOO_RUNS or `runs`), or its path; without one it
    is the newest. `track` is 'mlflow': a server named by MLFLOW_TRACKING_URI, or a database beside
    the runs. Its settings, epochs, scores and files are sent, among them names and small pictures
    of training images. A run that was sent there before is sent anew in the same place.

    Raises:
        ZooError: there is no such run or tracker, it is unfinished, or the tracker does not answer.

    Example:
        >>> run_id = zoo.track_run(run.name, "mlflow")  # doctest: +SKIP
        >>> zoo.fetch_run(f"mlflow:{run_id}", "copy").name  # doctest: +SKIP
        'copy'
    """
    progress = listener(progress)
    run = run_folder.open_run(name, folder)
    root = run_folder.root(folder) if is_address(str(name)) else run.path.parent
    store = tracking.chosen(track, root, progress)
    if store is None:
        raise InvalidSetting("No tracker was named; expected 'mlflow'.")
    tracked = tracking.Tracked(store, run.path, about_run(run.name, run.record), progress)
    return tracked.whole(store, tracking.figures_of(run))


def fetch_run(source: str, name: str | None = None, *, folder: str | Path | None = None) -> Run:
    """Bring a tracked run back as a run folder, checked, and return it.

    `source` is 'mlflow:RUN_ID', at the server that MLFLOW_TRACKING_URI names or in the database
    beside the runs of `folder` (default: ZOO_RUNS or `runs`). It keeps the name that it has there,
    or gets another `name`. Nothing is written unless it is whole.

    Raises:
        InvalidSetting: the source is none, the name is taken or cannot be one, or MLflow is not
            installed.
        Unreachable: the tracker does not answer, or has no such run.
        DamagedRun: what it has is no finished run, or was altered.
        NotWritten: it cannot be written.

    Example:
        >>> zoo.fetch_run("mlflow:0123456789abcdef0123456789abcdef")  # doctest: +SKIP
    """
    asked = _SOURCE.fullmatch(source)
    if asked is None:
        raise InvalidSetting(
            f"'{source}' is no run that can be fetched. Expected mlflow:RUN_ID, where RUN_ID is "
            "32 digits and letters from a to f."
        )
    root, run_id = run_folder.root(folder), asked["run_id"]
    store = Store(root)
    name = store.name_of(run_id) if name is None else name
    check_name(name)
    if os.path.lexists(root / name):
        raise InvalidSetting(
            f"'{name}' is taken: there is a run or folder of that name in '{root}'. Give another "
            f"one: zoo runs fetch {source} NAME"
        )
    with replacing_folder(root / name) as place:
        store.fetch(run_id, place)
        try:
            run = run_folder.open_run(place)
        except (BadInput, DamagedRun) as error:
            said = str(error).replace(str(place), source)
            raise DamagedRun(f"What MLflow has as '{source}' is no finished run. {said}") from error
        tracking.keep(place, store, run_id, whole=True)
    return replace(run, path=root / name)
