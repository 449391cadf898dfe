"""Trainings that are told to a tracker while they run: their settings, epochs, scores and files.

The run folder stays what counts. A tracker that does not answer costs a sentence, never a training.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from zoo import DISCLAIMER
from zoo.base.errors import DamagedRun, UnknownName, ZooError
from zoo.base.files import write_json
from zoo.base.leftovers import PREFIX
from zoo.base.progress import Progress
from zoo.base.types import SPLITS
from zoo.runs.history import read_history
from zoo.runs.mlflow_store import Store
from zoo.runs.record import HISTORY, read_json
from zoo.runs.run_folder import CHECKPOINT, Run

MLFLOW = "mlflow"
TRACKERS = (MLFLOW,)
FILE = "tracking.json"
"""In the folder of a training: the tracker, its address, and the id of the run there."""
UNSENT = (CHECKPOINT, FILE)
LOGS = "logs"
"""What TensorBoard reads: the tracker has the same figures."""


@dataclass(frozen=True)
class About:
    """What is told of a training before it begins."""

    name: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)


class Tracked:
    """The training in one folder and its run in a store; without a store nobody is told anything.

    Used as a context, an exception that leaves it is told as a training that failed or was stopped.
    What fails is told once, as a warning, and tried again at the end.
    """

    def __init__(
        self, store: Store | None, folder: Path, about: About, progress: Progress, again: str = ""
    ) -> None:
        """Name the folder; `again` says how it is sent later."""
        self._store, self._folder, self._about = store, folder, about
        self._progress, self._again = progress, again
        self._run_id, self._sent = "", 0
        self.failed = False

    def __enter__(self) -> Tracked:
        """Begin the run, or go on with the one that the folder has there."""
        self._tried(self.begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Tell how it ended, where it did not end well."""
        if kind is not None and self._run_id and not self.failed:
            status = "FAILED" if issubclass(kind, Exception) else "KILLED"
            self._tried(lambda store: store.end(self._run_id, status))

    @property
    def heard(self) -> bool:
        """Whether there is anybody to tell, who has answered so far."""
        return self._store is not None and not self.failed

    def epochs(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Tell those epochs that were not told yet."""
        if self.heard:
            self._tried(lambda store: self._tell(store, history))

    def finish(self, figures: Mapping[str, float], names: Sequence[str] | None = None) -> None:
        """Tell all that is not there yet: epochs, final figures, and files (default: all)."""
        self.failed = False
        self._tried(lambda store: self.whole(store, figures, names))

    def part(self, folder: Path, about: About, figures: Mapping[str, float]) -> None:
        """Tell of a finished training that is a part of this one, unless that is done already."""
        if self._store is None or self.failed:
            return
        known = recorded(folder)
        if known.get("whole") and known["address"] == self._store.address:
            return
        above = {"mlflow.parentRunId": self._run_id}
        about = replace(about, tags={**about.tags, **above})
        inner = Tracked(self._store, folder, about, self._progress, self._again)
        inner.finish(figures)
        self.failed = inner.failed

    def begin(self, store: Store) -> None:
        """Begin the run in the store, or go on with the one that the folder has there.

        Raises:
            Unreachable: the store does not answer.
            NotWritten: its id cannot be kept.
        """
        known = recorded(self._folder)
        if known.get("address") == store.address:
            self._run_id = known["run_id"]
            self._sent = store.go_on(self._run_id)
            return
        about = self._about
        self._run_id = store.start(about.name, about.parameters, about.tags)
        keep(self._folder, store, self._run_id, whole=False)

    def whole(
        self, store: Store, figures: Mapping[str, float], names: Sequence[str] | None = None
    ) -> str:
        """Tell all that is not there yet, and that the run is finished; return its id there.

        Raises:
            Unreachable: the store does not answer.
            NotWritten: its id cannot be kept.
        """
        if not self._run_id:
            self.begin(store)
        self._tell(store, read_history(self._folder / HISTORY))
        store.log(self._run_id, figures)
        sent = list(files(self._folder)) if names is None else names
        store.send(self._run_id, self._folder, sent)
        store.end(self._run_id, "FINISHED")
        keep(self._folder, store, self._run_id, whole=True)
        return self._run_id

    def _tell(self, store: Store, history: Sequence[Mapping[str, Any]]) -> None:
        if not self._run_id:
            self.begin(store)
        for row in history:
            epoch = int(row["epoch"])
            if epoch > self._sent:
                told = {name: value for name, value in row.items() if name != "epoch"}
                store.log(self._run_id, finite(told), epoch)
                self._sent = epoch

    def _tried(self, work: Callable[[Store], object]) -> None:
        if self._store is None:
            return
        try:
            work(self._store)
        except ZooError as error:
            self.failed = True
            later = f" To send it later: {self._again}" if self._again else ""
            self._progress.warn(f"{error} The training does not need it.{later}")


def chosen(
    track: str | None, root: Path, progress: Progress, folder: Path | None = None
) -> Store | None:
    """Return the store of a tracker (None: nobody is told) for the folder of the runs, `root`.

    Without a tracker that is named, a training in `folder` that was tracked before goes on so.

    Raises:
        UnknownName: there is no such tracker.
        InvalidSetting: it is not installed.
    """
    if track is None:
        known = {} if folder is None else recorded(folder)
        if not known:
            return None
        try:
            store = Store(root)
        except ZooError as error:
            progress.note(f"The run was tracked before, and is not now. {error}")
            return None
        if store.address != known["address"]:
            progress.note(
                f"The run was tracked at {known['address']} before, and is not now. To go on "
                "there, set MLFLOW_TRACKING_URI."
            )
            return None
    elif track not in TRACKERS:
        raise UnknownName.among("tracker", track, TRACKERS)
    else:
        store = Store(root)
    progress.note(f"Tracked by MLflow. Look at it: {store.way_to_look}")
    return store


def about_run(name: str, record: Mapping[str, Any]) -> About:
    """Return what is told of a run before it begins, from its record."""
    data, options = record["data"], record["options"]
    told = {
        "architecture": record["architecture"],
        "preset": record.get("preset"),
        "plugin": record.get("plugin"),
        "pretrained": record.get("pretrained"),
        "class_names": ", ".join(record["class_names"]),
        "positive": record["class_names"][record["positive"]],
        "input_shape": "x".join(map(str, record["input_shape"])),
        "frame": record.get("frame"),
        "data": Path(data["source"]).name,
        "data.fingerprint": data["fingerprint"],
        "data.images": data.get("images"),
        "data.patients": data.get("patients"),
        "weights": record.get("parameters", {}).get("total"),
        **{f"split.{part}": record["splits"][part]["images"] for part in SPLITS},
        **{f"option.{key}": value for key, value in options.items()},
        **{f"recipe.{key}": value for key, value in record["recipe"].items()},
        **{f"version.{key}": value for key, value in record.get("versions", {}).items()},
    }
    command = " ".join(record.get("command", ())) or "Python"
    return About(name, texts(told), tags(command, synthetic=data["synthetic"]))


def tags(command: str, *, synthetic: bool) -> dict[str, str]:
    """Return the tags that every run has: what it may be used for, and where it comes from."""
    mark = "Synthetic data. " if synthetic else ""
    return {"mlflow.note.content": f"{mark}{DISCLAIMER}", "mlflow.source.name": command}


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters as a tracker takes them: as text, without those that say nothing."""
    return {_key(name): str(value) for name, value in values.items() if value not in (None, "")}


def finite(values: Mapping[str, Any]) -> dict[str, float]:
    """Return those of the values that are numbers, as a tracker takes them."""
    return {
        _key(name): float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def _key(name: str) -> str:
    """Put '_' for letters that a name at a tracker cannot have, as the colon of 'keras:VGG16'."""
    return re.sub(r"[^\w.\- /]", "_", name, flags=re.ASCII)


def figures_of(run: Run) -> dict[str, float]:
    """Return the final figures of a finished run, with the ends of their intervals."""
    measured, training = run.metrics(), run.record["training"]
    figures = {f"train.{name}": value for name, value in measured.get("train", {}).items()}
    for part in SPLITS[1:]:
        for name, metric in measured[part]["metrics"].items():
            ends = {end: metric[end] for end in ("low", "high")}
            figures[f"{part}.{name}"] = metric["value"]
            figures |= {f"{part}.{name}.{end}": value for end, value in ends.items()}
    figures |= {f"training.{name}": value for name, value in training.items()}
    return finite({**figures, "temperature": run.temperature, "threshold": run.threshold})


def files(folder: Path) -> Iterator[str]:
    """Yield the names of the files of a folder that a tracker keeps."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith(PREFIX) for part in name.parts)
        if path.is_file() and name.parts[0] not in (*UNSENT, LOGS) and not hidden:
            yield name.as_posix()


def keep(folder: Path, store: Store, run_id: str, *, whole: bool) -> None:
    """Keep in a folder where it is tracked, and whether all of it is there.

    Raises:
        NotWritten: it cannot be written.
    """
    said = {"tracker": MLFLOW, "address": store.address, "run_id": run_id, "whole": whole}
    write_json(folder / FILE, said)


def recorded(folder: Path) -> dict[str, Any]:
    """Return what is kept of the run of a folder at a tracker; empty where it was never told."""
    if not (folder / FILE).is_file():
        return {}
    try:
        found = read_json(folder / FILE)
    except DamagedRun:  # the training does not need it
        return {}
    return found if isinstance(found, dict) and {"address", "run_id"} <= found.keys() else {}
