"""What `run.json`, the record of a run, says: its keys, their types and ranges."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zoo.base.errors import DamagedRun
from zoo.runs.decision import Decision
from zoo.runs.novelty import Gate
from zoo.stats.alarms import Alarm

SCHEMA = 2
RECORD, MODEL, CASES = "run.json", "model.keras", "reference.npz"
VALIDATION, BASELINES = "validation.npz", "baselines.npz"
TESTED, STRESSED, LOCALISER = "test.npz", "stressed.npz", "localiser.npz"
METRICS, HISTORY = "metrics.json", "history.csv"
NEEDED = (MODEL, CASES, VALIDATION, BASELINES, METRICS)
"""The files that every finished run has, and whose content is recorded."""
MORE = (STRESSED, LOCALISER, HISTORY, TESTED)
"""Files that not every run has; their content is recorded, too."""
TRAINING, DONE = "training", "done"
EXPERIMENTS = "experiments"
"""The folder below the runs that comparisons and learning curves are kept in."""
IMPORTED = "imported"
"""The architecture of a run whose network was trained elsewhere."""

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Shape = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=3, max_length=3)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]+$")]
FileName = Annotated[str, Field(pattern=r"^[\w-][\w.-]*$")]
"""A name in the folder, never a path that leads out of it."""


class Part(BaseModel):
    """A base for parts of a record: types are as written, numbers finite, more keys are allowed."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")


class _Members(Part):
    images: Count
    patients: Count
    classes: list[Count]
    members: list[str]


class _Splits(Part):
    train: _Members
    validation: _Members
    test: _Members


class _Data(Part):
    source: str
    fingerprint: str
    skip_broken: bool
    synthetic: bool
    masks: str | None = None
    bits: Annotated[int, Field(ge=1, le=32)] | None = None


class _Recipe(Part):
    class_weights: bool


class Started(Part):
    """What the record of every training says."""

    architecture: str
    options: dict[str, Any]
    recipe: _Recipe
    class_names: Annotated[list[str], Field(min_length=2)]
    positive: Count
    input_shape: Shape
    sees: Shape | None = None
    frame: str = ""
    created: str = ""
    data: _Data
    splits: _Splits
    versions: dict[str, str] = {}

    @model_validator(mode="after")
    def _agrees(self) -> Started:
        classes = len(self.class_names)
        if len(set(self.class_names)) < classes:
            raise ValueError("a class is named twice")
        if self.positive >= classes:
            raise ValueError(f"the positive class is {self.positive}, of {classes} classes")
        for part in (self.splits.train, self.splits.validation, self.splits.test):
            if len(part.classes) != classes or sum(part.classes) != part.images:
                raise ValueError("the images of a part are not those of its classes")
            if len(part.members) != part.images:
                raise ValueError("a part has another number of members than of images")
        return self


class _Calibration(Part):
    temperature: Annotated[float, Field(gt=0)]


class _Point(Part):
    threshold: Share


class _Training(Part):
    epochs: Count
    best_epoch: Count


class _Gate(Part):
    limit: Annotated[float, Field(ge=0)]
    units: list[Annotated[float, Field(gt=0)]]
    share: Share
    neighbours: Annotated[int, Field(ge=1)]


class _Decision(Part):
    class_names: list[str]
    positive: Count
    threshold: Share | None
    limits: list[float]
    gate_limit: Annotated[float, Field(ge=0)]
    frame: str = ""
    subject: str = ""
    confidence: Share = 1.0
    gate_share: Share = 1.0


class _Alarm(Part):
    kind: str
    message: str
    remedy: str


class Finished(Started):
    """What the record of a finished run says besides."""

    training: _Training
    calibration: _Calibration
    operating_point: _Point | None
    gate: _Gate
    decision: _Decision
    alarms: list[_Alarm]
    files: dict[FileName, Digest]

    @model_validator(mode="after")
    def _belongs(self) -> Finished:
        decision = self.decision
        if decision.class_names != self.class_names or decision.positive != self.positive:
            raise ValueError("it decides between other classes than it has")
        if len(decision.limits) != len(self.class_names):
            raise ValueError("it has another number of limits than of classes")
        if missing := [name for name in NEEDED if name not in self.files]:
            raise ValueError(f"it has no digest of '{missing[0]}'")
        taken: tuple[tuple[type, Part, tuple[str, ...]], ...] = (
            (Decision, decision, ()),
            (Gate, self.gate, ("reference",)),
            *((Alarm, alarm, ()) for alarm in self.alarms),
        )
        for kind, part, without in taken:
            known = {field.name for field in fields(kind)}.difference(without)
            if unknown := set(part.model_dump()) - known:
                raise ValueError(f"it has '{min(unknown)}', which means nothing")
        return self


def read_record(path: Path) -> dict[str, Any]:
    """Read and check the record of a run, finished or not.

    Raises:
        DamagedRun: it is missing or unreadable, of another version, or not what a record is.
    """
    record = read_json(path)
    if not isinstance(record, dict) or "schema" not in record or "status" not in record:
        raise DamagedRun(f"'{path}' is not the record of a run. Train again.")
    if record["schema"] != SCHEMA:
        raise DamagedRun(_of_another_version(path, record))
    if record["status"] not in (TRAINING, DONE):
        raise DamagedRun(
            f"'{path}' has the status {record['status']!r}; expected '{TRAINING}' or '{DONE}'. "
            "Copy it again, or train again."
        )
    try:
        (Finished if record["status"] == DONE else Started).model_validate(record)
    except ValidationError as error:
        raise DamagedRun(
            f"'{path}' is no record of a run: {_first(error)}. Copy it again, or train again."
        ) from error
    return record


def read_json(path: Path) -> Any:
    """Read a JSON file of a run; numbers that are not finite are refused.

    Raises:
        DamagedRun: it is missing, or cannot be read.
    """
    try:
        if not path.is_file():  # a pipe would be waited for
            raise FileNotFoundError
        return json.loads(path.read_text("utf-8"), parse_constant=_no_number)
    except FileNotFoundError as error:
        raise DamagedRun(f"'{path.parent}' has no '{path.name}': it is not a whole run.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedRun(f"'{path}' cannot be read ({error}). Copy the run again.") from error


def _of_another_version(path: Path, record: dict[str, Any]) -> str:
    schema, versions = record["schema"], record.get("versions")
    by = versions.get("xray-zoo") if isinstance(versions, dict) else None
    newer = isinstance(schema, int | float) and schema > SCHEMA
    remedy = "Upgrade it" if newer else "Train the run again, or use that version"
    return (
        f"'{path.parent}' was written by xray-zoo {by or '(no version)'}, schema {schema}; "
        f"this is {version('xray-zoo')}, which reads {SCHEMA}. {remedy}."
    )


def _no_number(text: str) -> Any:
    raise ValueError(f"it has {text}, which is no number")


def _first(error: ValidationError) -> str:
    """Say the first thing that is wrong in a record."""
    wrong = error.errors(include_url=False)[0]
    place = ".".join(str(step) for step in wrong["loc"])
    said = wrong["msg"].removeprefix("Value error, ")
    if not place:
        return said
    given = repr(wrong["input"])
    shown = f" (it is {given})" if len(given) <= 60 else ""
    return f"'{place}': {said[:1].lower()}{said[1:]}{shown}"
