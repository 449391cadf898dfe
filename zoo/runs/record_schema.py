"""What `run.json`, the record of a run, says: its keys, their types and ranges."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from zoo.runs.decision import Decision
from zoo.runs.novelty import Gate
from zoo.stats.alarms import Alarm

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


class _Execution(Part):
    precision: str
    xla: bool


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
    execution: _Execution | None = None
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
    """What the record of a finished run says besides; the context names the files it must have."""

    training: _Training
    calibration: _Calibration
    operating_point: _Point | None
    gate: _Gate
    decision: _Decision
    alarms: list[_Alarm]
    files: dict[FileName, Digest]

    @model_validator(mode="after")
    def _belongs(self, info: ValidationInfo) -> Finished:
        decision = self.decision
        if decision.class_names != self.class_names or decision.positive != self.positive:
            raise ValueError("it decides between other classes than it has")
        if len(decision.limits) != len(self.class_names):
            raise ValueError("it has another number of limits than of classes")
        if missing := [name for name in info.context or () if name not in self.files]:
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
