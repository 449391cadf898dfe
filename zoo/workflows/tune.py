"""Search good settings of an architecture, and say what choosing among many is really worth."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from zoo.base.displayed import Drawn, Tabled
from zoo.base.errors import InvalidSetting, ZooError
from zoo.base.files import write_json, write_text, writing
from zoo.base.listeners import listener
from zoo.base.locks import holding
from zoo.base.progress import Progress
from zoo.base.recipe import DEFAULT
from zoo.base.records import folder_name
from zoo.base.registry import DEFAULT_SOURCE, Registry, load_registry
from zoo.base.sources import parse
from zoo.data.splits import fold as fold_of
from zoo.report.pages.tuning import tuning_page
from zoo.runs.tracking import finite
from zoo.training.cells import CellResult
from zoo.training.recipe import settings
from zoo.training.search_space import search_space
from zoo.training.trial_states import COMPLETE
from zoo.workflows.experiments import Setup
from zoo.workflows.optuna_study import OptunaStudy, TrialRecord
from zoo.workflows.trials import Trainings, run_trials
from zoo.workflows.tuning_gain import gain_record, roc_auc_of

SCHEMA = 1
STUDY, DATA = "study.sqlite3", "tuning.json"


@dataclass(frozen=True, repr=False)
class Tuning(Tabled, Drawn):
    """What was tried as plain data (docs/metrics.md has the schema), and the page that shows it."""

    result: Mapping[str, Any]
    page: Path

    @property
    def command(self) -> str:
        """The `zoo train` command of the best settings, as it is typed."""
        return shlex.join(self.result["train"])


def tune(
    name: str,
    source: str = DEFAULT_SOURCE,
    *,
    trials: int = 30,
    folds: int = 3,
    search: Sequence[str] = (),
    budget: float | None = None,
    seed: int = 0,
    preset: str = DEFAULT,
    changes: Mapping[str, Any] | None = None,
    input_shape: tuple[int, int, int] | None = None,
    positive: str | None = None,
    skip_broken: bool = False,
    jobs: int = 1,
    backend: str = "loky",
    scheduler: str | None = None,
    track: str | None = None,
    folder: str | Path | None = None,
    registry: Registry | None = None,
    progress: Progress | None = None,
    command: Sequence[str] = (),
) -> Tuning:
    """Try settings of `name` on patient-grouped folds, and tell what the best are worth.

    Optuna proposes settings and gives up trials that fall behind. `search` says what is tried, as
    `learning_rate=1e-4..1e-2` or `augmentation=robust,chest`, beside what follows from the
    architecture; what `changes` sets stays. The first trial has the settings as they are. The same
    call goes on where a killed one was; more `trials` are added to those there are. With a
    `budget`, in seconds, no training is begun after it. A test part that the source gives stays
    untouched. With `track` 'mlflow' each training is told to MLflow when it is done (see `train`).

    Raises:
        InvalidSetting: Optuna is not installed, or another process tunes the same.
        ZooError: a name, a setting or the data cannot be used.

    Example:
        >>> small = {"changes": {"epochs": 1}, "input_shape": (32, 32, 3)}
        >>> source, search = "phantom?images=60&size=64", ["learning_rate=1e-4..1e-2"]
        >>> tuned = zoo.tune("scratch", source, trials=2, folds=2, search=search, **small)
        >>> [trial["state"] for trial in tuned.result["trials"]]
        ['complete', 'complete']
    """
    progress = listener(progress)
    if trials < 2 or folds < 2 or (budget is not None and not budget > 0):
        raise InvalidSetting(
            f"{trials} trials, {folds} folds and a budget of "
            f"{'any time' if budget is None else f'{budget:g} seconds'} were asked for; expected "
            "at least two trials, two folds and some time."
        )
    registry, changes = registry or load_registry(), dict(changes or {})
    architecture = registry.architecture(name)
    space = search_space(architecture, search, changes, preset)
    recipe, options = settings(architecture, changes, preset)
    values = {**asdict(recipe), **options}
    for setting, part in space.items():
        progress.note(f"Searching {setting} in {part}; it is {values[setting]} now.")
    setup = Setup(
        source=source,
        preset=preset,
        changes=changes,
        input_shape=input_shape,
        positive=positive,
        skip_broken=skip_broken,
        jobs=jobs,
        backend=backend,
        scheduler=scheduler,
        track=track,
        folder=folder,
        registry=registry,
        progress=progress,
        command=command,
    )
    with setup.opened([name]) as opened:
        trainings = Trainings(opened, name, changes, folds)
        ((first, *_),) = trainings.cells([{}])
        searched = sorted((setting, str(part)) for setting, part in space.items())
        place = opened.place_of(folds, f"tuning-{folder_name(name)}", first.key, searched, seed)
        with _alone(place):
            study = OptunaStudy(place / STUDY, space, values, seed)
            until = float("inf") if budget is None else time.time() + budget
            with opened.followed(place) as followed:
                run_trials(study, replace(trainings, opened=followed), trials, until)
            result = _record(trainings, study, values, seed)
            page = place / "tuning.html"
            write_json(place / DATA, result)
            write_text(page, tuning_page(result))
            followed.tracked.finish(_figures(result), [page.name, DATA])
    return Tuning(result, page)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Make the folder of a tuning, in which no other process tunes meanwhile.

    Raises:
        InvalidSetting: another one does.
    """
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
    with holding(place, wait=False) as held:
        if not held:
            raise InvalidSetting(
                "Another process tunes the same with the same settings. Wait for it, or search "
                "with another --seed."
            )
        yield


def _record(
    trainings: Trainings, study: OptunaStudy, values: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Return what was tried as plain data; `values` are the settings as they are.

    Raises:
        ZooError: no trial is whole, or the one with the settings as they are failed.
    """
    opened, records = trainings.opened, study.records()
    setup, dataset = opened.setup, opened.verified.dataset
    outcomes = _outcomes(trainings, records)
    result = {
        "schema": SCHEMA,
        "architecture": trainings.name,
        "data": _tested(setup.source, next(iter(outcomes.values()))),
        "class_names": list(dataset.class_names),
        "positive": dataset.class_names[opened.positive],
        "metric": "roc_auc",
        "seed": seed,
        "preset": setup.preset,
        "settings": {setting: str(value) for setting, value in trainings.changes.items()},
        "space": [
            {"name": setting, "now": values[setting], **part.to_record()}
            for setting, part in study.space.items()
        ],
        "trials": [_told(record) for record in records],
        **gain_record(records, outcomes, opened.positive),
        "notes": list(fold_of(dataset, opened.verified.digests, trainings.folds, 0, 0).notes),
        "command": list(setup.command),
        "synthetic": dataset.synthetic,
    }
    best = records[result["best"]["trial"]]
    return {**result, "train": _train_command(setup, trainings.name, best.changes)}


def _outcomes(trainings: Trainings, records: Sequence[TrialRecord]) -> dict[int, list[CellResult]]:
    """Read what the whole trials left; what was deleted meanwhile is trained again.

    Raises:
        ZooError: no trial is whole, or the one with the settings as they are failed.
    """
    first = next((record for record in records if record.first), None)
    if first is None:
        raise ZooError(
            "The time was up before the first trial was done. Give the same command again: it goes "
            "on from there."
        )
    if first.state != COMPLETE:
        raise ZooError(
            f"With the settings as they are the training failed: {first.reason} Change them with "
            "--set, or train once without tuning: zoo train."
        )
    whole = [record for record in records if record.state == COMPLETE]
    plans, opened = trainings.cells([record.changes for record in whole]), trainings.opened
    missing = [cell for plan in plans for cell in plan if not opened.is_done(cell)]
    if missing:
        opened.train(missing)
    return {
        record.number: [opened.read(cell) for cell in plan]
        for record, plan in zip(whole, plans, strict=True)
    }


def _tested(source: str, outcomes: Sequence[CellResult]) -> dict[str, Any]:
    """Describe what each whole trial was tested on."""
    return {
        "source": Path(parse(source)[0]).name,
        "images": sum(len(outcome.test.labels) for outcome in outcomes),
        "patients": len({p for outcome in outcomes for p in outcome.test.patients.tolist()}),
        "folds": len(outcomes),
    }


def _figures(result: Mapping[str, Any]) -> dict[str, float]:
    """Return what a tracker is told of each trial."""
    areas = {f"trial_{one['number'] + 1}.roc_auc": one["roc_auc"] for one in result["trials"]}
    return finite(areas)


def _told(record: TrialRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "state": record.state,
        "settings": dict(record.changes),
        "folds": len(record.scores),
        "roc_auc": roc_auc_of(record),
        "seconds": round(record.seconds, 1),
        "reason": record.reason,
    }


def _train_command(setup: Setup, name: str, best: Mapping[str, Any]) -> list[str]:
    """Return the command that trains a run with the best settings."""
    given = {**(setup.changes or {}), **best}
    shape = setup.input_shape
    return [
        "zoo",
        "train",
        name,
        "--data",
        setup.source,
        *(["--preset", setup.preset] if setup.preset != DEFAULT else []),
        *(["--input", "x".join(map(str, shape))] if shape else []),
        *(["--positive", setup.positive] if setup.positive else []),
        *(["--skip-broken"] if setup.skip_broken else []),
        *(word for setting, value in given.items() for word in ("--set", f"{setting}={value}")),
    ]
