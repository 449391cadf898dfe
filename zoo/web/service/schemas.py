"""The answers of the HTTP API as OpenAPI describes them, and how a refusal is sent."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from zoo import DISCLAIMER

PRIVATE = {"Cache-Control": "no-store"}
"""Answers about images are kept by no cache."""


class Format(StrEnum):
    """How explained images are sent."""

    JSON, HTML, PNG = "json", "html", "png"


class Told(BaseModel):
    """What every answer carries."""

    disclaimer: str = Field(DISCLAIMER, description="What this service is not for.")


class Problem(Told):
    """Why a request was refused."""

    error: str = Field(description="What was received, what was expected and what to do.")


class PredictionOut(BaseModel):
    """What a run says of one image."""

    name: str = Field(description="The file's name without folders.")
    digest: str = Field(description="BLAKE2b of the content, 16 hexadecimal digits.")
    label: str = Field(description="The class that is named, or what is answered instead.")
    leaning: str = Field(description="The class that is or would have been named.")
    refused: str = Field(description="'uncertain' or 'unknown'; empty when a class is named.")
    reason: str = Field(description="Why no class is named; empty when one is.")
    distance: float = Field(description="Distance to the nearest training cases.")
    probabilities: dict[str, float] = Field(description="Calibrated, by class name, 0 to 1.")
    box: list[float] | None = Field(
        description="What the network saw of it: top, left, bottom, right as shares of height and "
        "width; null when it saw all of it."
    )


class Predictions(Told):
    """What a run says of each image that was sent, in their order."""

    run: str
    synthetic: bool = Field(description="Whether the run was trained on synthetic data.")
    notes: list[str] = Field(description="Alarms of the run that the reader must see.")
    prevalence: float | None = Field(description="As stated in the request.")
    predictions: list[PredictionOut]


class Explanations(Told):
    """What a run says of each image and why; `cases` are as `zoo explain --format json` writes."""

    run: str
    cases: list[dict[str, Any]]


class RunOut(BaseModel):
    """A run that may be asked."""

    name: str
    architecture: str
    class_names: list[str]
    synthetic: bool
    created: str
    default: bool = Field(description="Whether it answers when no run is named.")
    loaded: bool = Field(description="Whether it answers at once; loading takes seconds.")
    roc_auc: float | None = Field(description="On the test part of its own data.")


class Runs(Told):
    """The runs that may be asked, oldest first."""

    runs: list[RunOut]


class Health(Told):
    """How the service is; `ready` once the default run is loaded."""

    live: bool = True
    ready: bool
    version: str
    loaded: list[str]
    queues: dict[str, int] = Field(description="Requests that wait or are at work.")


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": description}
    for status, description in (
        (400, "The request or a setting in it cannot be used."),
        (401, "User and password are missing or wrong."),
        (403, "Sent by a page of another site."),
        (404, "There is no run, class or method of that name."),
        (408, "The body did not arrive in time."),
        (413, "Too many bytes, pixels or files."),
        (422, "A field is missing or wrong, or a file cannot be read or explained."),
        (429, "Too many wrong passwords came from this address."),
        (500, "A bug; the trace is in the server's log."),
        (503, "Too many requests wait, the run cannot be used, or it took too long."),
    )
}


def refusal(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a refusal: a sentence, and the disclaimer that every answer carries."""
    body = Problem(disclaimer=DISCLAIMER, error=sentence).model_dump()
    return JSONResponse(body, status, headers={**PRIVATE, **(headers or {})})
