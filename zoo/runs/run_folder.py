"""Run folders: complete in themselves, written atomically, and done only when they say so."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from zoo.base import leftovers
from zoo.base.digests import digest_file
from zoo.base.displayed import Drawn, Tabled
from zoo.base.errors import BadInput, DamagedRun, UnknownName, ZooError
from zoo.base.explanations import Reference
from zoo.base.files import sync_folder, write_json, writing
from zoo.base.pictures.depth import PLAIN
from zoo.base.records import folder_name
from zoo.base.remote import is_address, mirrored
from zoo.runs import reference
from zoo.runs.record import BASELINES as BASELINES
from zoo.runs.record import CASES as CASES
from zoo.runs.record import DONE as DONE
from zoo.runs.record import HISTORY as HISTORY
from zoo.runs.record import LOCALISER as LOCALISER
from zoo.runs.record import METRICS as METRICS
from zoo.runs.record import MODEL as MODEL
from zoo.runs.record import MORE, NEEDED, SCHEMA, read_json, read_record, results_in
from zoo.runs.record import RECORD as RECORD
from zoo.runs.record import STRESSED as STRESSED
from zoo.runs.record import TESTED as TESTED
from zoo.runs.record import TRAINING as TRAINING
from zoo.runs.record import VALIDATION as VALIDATION
from zoo.stats.alarms import Alarm

CHECKPOINT, CURVES, CARD = "checkpoint.npz", "curves.png", "model_card.html"
EVALUATIONS, STRESSES, STRESS = "evaluation", "stress", "stress.json"


@dataclass(frozen=True)
class Broken:
    """A folder that looks like a run and cannot be read, and why."""

    path: Path
    reason: str

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name


@dataclass(frozen=True, repr=False)
class Run(Tabled, Drawn):
    """A run folder and the record it holds."""

    path: Path
    record: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The folder's name, by which commands know the run."""
        return self.path.name

    @property
    def done(self) -> bool:
        """Whether the training ended and everything was written."""
        return self.record["status"] == DONE

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of the logits."""
        return tuple(self.record["class_names"])

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The signs, seen while it was trained, that something went wrong."""
        return tuple(Alarm(**alarm) for alarm in self.record["alarms"])

    @property
    def temperature(self) -> float:
        """What logits are divided by before the softmax."""
        return float(self.record["calibration"]["temperature"])

    @property
    def threshold(self) -> float | None:
        """The probability from which the positive class is called; None: the most probable."""
        point = self.record["operating_point"]
        return None if point is None else float(point["threshold"])

    @property
    def bits(self) -> int:
        """Depth of files that hold more than 8 bits a value and do not say how many."""
        return int(self.record["data"].get("bits") or PLAIN)

    def metrics(self) -> dict[str, Any]:
        """Read the scores that were measured when the run was trained."""
        return read_json(self.path / METRICS)

    def scored_elsewhere(self) -> dict[str, Mapping[str, Any]]:
        """Return the ROC-AUC of each evaluation on data the run was not trained on, by name."""
        return {
            name: result["metrics"]["roc_auc"]
            for name, result in results_in(self.path / EVALUATIONS, METRICS)
            if result.get("own") is False and _has_area(result)
        }

    def under_stress(self) -> dict[str, Mapping[str, Any]]:
        """Return what each stress test of the run gave, by the name of the images."""
        return {
            name: result
            for name, result in results_in(self.path / STRESSES, STRESS)
            if result.get("rows")
        }

    def scored_by_group(self) -> dict[str, list[Mapping[str, Any]]]:
        """Return the scores by group (`zoo.stats.groups`) of each evaluation that has any."""
        return {
            name: result["groups"]
            for name, result in results_in(self.path / EVALUATIONS, METRICS)
            if result.get("groups")
        }


def root(folder: str | Path | None = None) -> Path:
    """Return where runs are kept: `folder`, ZOO_RUNS, or `runs` here."""
    return Path(folder or os.environ.get("ZOO_RUNS") or "runs")


def names(architecture: str) -> Iterator[str]:
    """Yield what a new run folder may be called: by the architecture and the time."""
    base = f"{folder_name(architecture)}-{datetime.now():%Y%m%d-%H%M%S}"
    return (f"{base}-{number}" if number > 1 else base for number in itertools.count(1))


def create(folder: Path, architecture: str) -> Path:
    """Make a new run folder. What killed trainings left half-written in others is removed."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for place in (folder, *folder.glob("*/")):
        leftovers.sweep_once(place)
    paths = (folder / name for name in names(architecture))
    while True:
        path = next(paths)
        with writing(path), contextlib.suppress(FileExistsError):
            path.mkdir()
            sync_folder(folder)
            return path


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a run that is in training."""
    write_json(path / RECORD, {"schema": SCHEMA, **record, "status": TRAINING})


def completed(path: Path, record: Mapping[str, Any]) -> Run:
    """Return a run as it will be when it is done: with the digests of its files."""
    more = [name for name in MORE if (path / name).is_file()]
    files = {name: digest_file(path / name) for name in (*NEEDED, *more)}
    return Run(path, {"schema": SCHEMA, **record, "status": DONE, "files": files})


def mark_done(run: Run) -> None:
    """Write the record of a completed run, after all other files; drop the checkpoint."""
    write_json(run.path / RECORD, run.record)
    with writing(run.path / CHECKPOINT):
        (run.path / CHECKPOINT).unlink(missing_ok=True)


def read(path: Path) -> Run:
    """Read a run folder, finished or not.

    Raises:
        UnknownName: there is no such folder.
        DamagedRun: its record is missing, unreadable or not what a record is.
        BadInput: the path is a file, such as a .h5 model.
    """
    if path.is_file():
        raise BadInput(
            f"'{path}' is a file; expected a run folder as `zoo train` makes it. A model "
            "file alone says neither classes nor preprocessing. Make a run of it: zoo import "
            "FILE --classes NAMES --data DATA"
        )
    if not path.is_dir():
        siblings = [p.name for p in path.parent.glob("*") if (p / RECORD).is_file()]
        raise UnknownName.among("run", path.name, siblings)
    return Run(path, read_record(path / RECORD))


def open_run(name: str | Path | None = None, folder: str | Path | None = None) -> Run:
    """Open the run of that name or path, or the newest finished one, and check its files.

    Runs are looked for in `folder` (default: ZOO_RUNS or `runs`).

    Raises:
        UnknownName: there is no such run, or none at all.
        DamagedRun: it is unfinished, or a file is missing or altered.
        Unreachable: the name is an address that cannot be read.

    Example:
        >>> run = zoo.open_run()  # the newest
        >>> zoo.open_run(run.name).path == run.path
        True
    """
    folder = root(folder)
    if name is None:
        finished = [run for run in listing(folder) if run.done]
        if not finished:
            raise UnknownName(
                f"There is no finished run in '{folder}'. Train one first: zoo train efficientnet"
            )
        run = finished[-1]
    else:
        run = locate(name, folder)
    if not run.done:
        raise DamagedRun(
            f"The run '{run.name}' is not finished. Go on with: zoo train --resume {run.path}"
        )
    leftovers.sweep_once(run.path)
    with contextlib.suppress(OSError):  # killed between the record and this
        (run.path / CHECKPOINT).unlink(missing_ok=True)
    needed = [name for name in MORE if name != TESTED and (run.path / name).is_file()]
    for file in dict.fromkeys((*run.record["files"], *needed)):
        checked(run, file)
    return run


def checked(run: Run, file: str) -> Path:
    """Return a file of a finished run that has the content it had after training.

    Raises:
        DamagedRun: it is missing or altered, or the record has no digest of it.
    """
    path, digest = run.path / file, run.record["files"].get(file)
    if not path.is_file():
        raise DamagedRun(f"The run '{run.name}' has no '{file}'. Copy it again, or train again.")
    if digest is None:
        raise DamagedRun(
            f"The record of the run '{run.name}' has no digest of its '{file}', so nobody can tell "
            "whether it is what was trained. Copy the run again, or train again."
        )
    if digest_file(path) != digest:
        raise DamagedRun(
            f"'{file}' of the run '{run.name}' was changed after training, or damaged. "
            "Copy the run again, or train again."
        )
    return path


def locate(name: str | Path, folder: Path) -> Run:
    """Read the run at a path, or of that name in `folder`.

    One behind an address, such as `s3://bucket/runs/NAME`, is fetched into the cache, whole. What
    is written beside it afterwards stays there.
    """
    if is_address(str(name)):
        return read(mirrored(str(name), fetched_when_read=lambda _: False))
    path = Path(name)
    return read(path if path.exists() or path.parent != Path() else folder / path)


def listing(folder: Path) -> list[Run]:
    """Return the readable runs of a folder, oldest first."""
    return survey(folder)[0]


def survey(folder: Path) -> tuple[list[Run], list[Broken]]:
    """Return the readable runs of a folder, oldest first, and those that are not, by name."""
    runs, broken = [], []
    for record in sorted(folder.glob(f"*/{RECORD}")):
        try:
            runs.append(read(record.parent))
        except ZooError as error:
            broken.append(Broken(record.parent, str(error)))
    return sorted(runs, key=lambda run: (run.record.get("created", ""), run.name)), broken


def load_reference(run: Run) -> Reference:
    """Load the reference cases of a finished run."""
    return reference.load(run.path / CASES, len(run.class_names))


def _has_area(result: Mapping[str, Any]) -> bool:
    try:
        area = result["metrics"]["roc_auc"]
        return {"value", "low", "high"} <= area.keys()
    except (KeyError, TypeError, AttributeError):
        return False
