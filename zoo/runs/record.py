"""The files of a run folder by their names, and its record, `run.json`, as it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.base.errors import DamagedRun

if TYPE_CHECKING:
    from pydantic import ValidationError

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
    from pydantic import ValidationError

    from zoo.runs import record_schema  # with pydantic, half of what a command waits for

    kind = record_schema.Finished if record["status"] == DONE else record_schema.Started
    try:
        kind.model_validate(record, context=NEEDED)
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


def results_in(folder: Path, file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what the folders of a folder hold in a file of that name, each with its folder's."""
    for path in sorted(folder.glob(f"*/{file}")):
        try:
            result = read_json(path)
        except DamagedRun:
            continue  # a page that was only half copied says nothing about the run
        if isinstance(result, dict):
            yield path.parent.name, result


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
