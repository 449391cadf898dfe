"""Train on ever more patients and say whether still more of them would help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.displayed import Drawn, Tabled
from zoo.base.errors import InvalidSetting
from zoo.base.files import write_json, write_text
from zoo.base.listeners import listener
from zoo.base.locks import in_turn
from zoo.base.number_text import value_text
from zoo.base.progress import Progress
from zoo.base.recipe import DEFAULT
from zoo.base.records import folder_name
from zoo.base.registry import DEFAULT_SOURCE, Registry
from zoo.base.sources import parse
from zoo.base.types import TRAIN
from zoo.report.pages.belief import above_chance
from zoo.report.pages.learning import learning_page
from zoo.runs.tracking import finite
from zoo.stats import power_law
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.leaderboard import Trial, leaderboard
from zoo.stats.metrics import training_metrics
from zoo.stats.probabilities import softmax
from zoo.training.cells import CellResult
from zoo.workflows.experiments import Experiment, Setup

SCHEMA = 1
SHARES = (0.05, 0.10, 0.25, 0.50, 1.0)
DATA = "learning-curve.json"
FOLDS = 5
"""One fold of five is tested, and a fifth of the rest chooses the epoch; the others are learned."""
FACTOR = 2.0
WORTHWHILE = 0.005
"""A gain in ROC-AUC that is called worth having."""


@dataclass(frozen=True, repr=False)
class LearningCurve(Tabled, Drawn):
    """The curve as plain data (docs/metrics.md has the schema), and the page that shows it."""

    result: Mapping[str, Any]
    page: Path


def learning_curve(
    name: str,
    source: str = DEFAULT_SOURCE,
    *,
    shares: Sequence[float] = SHARES,
    seeds: int = 3,
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
) -> LearningCurve:
    """Train `name` on growing shares of the training patients, several seeds each.

    Every seed has its own division by patient, and within it the same validation and test part
    for every share. The same call goes on where a killed one was. With `track` 'mlflow' each
    training is told to MLflow when it is done, as for `train`.

    Raises:
        ZooError: a name, a setting or the data cannot be used.

    Example:
        >>> small = {"changes": {"epochs": 1}, "input_shape": (64, 64, 3)}
        >>> source, shares = "phantom?images=60&size=64", (0.25, 0.5, 1)
        >>> curve = zoo.learning_curve("mnist", source, shares=shares, seeds=1, **small)
        >>> [point["share"] for point in curve.result["points"]]
        [0.25, 0.5, 1]
    """
    progress = listener(progress)
    shares = sorted(set(shares))
    if len(shares) < 3 or not 0 < shares[0] <= shares[-1] <= 1 or seeds < 1:
        raise InvalidSetting(
            f"The shares {', '.join(f'{s:g}' for s in shares)} with {seeds} seeds cannot be used. "
            "Expected at least three different shares above 0 and up to 1, and a seed."
        )
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
        asked = ([float(share) for share in shares], seeds)
        place = opened.place_of(FOLDS, f"learning-curve-{folder_name(name)}", *asked)
        plan = opened.plan(
            {"architecture": name, "seed": seed, "share": share, "folds": FOLDS}
            for seed in range(seeds)
            for share in reversed(shares)
        )
        done = opened.trained(plan, place)
    result = _record(name, source, shares, done, command)
    page = place / "learning-curve.html"
    with in_turn(place):
        write_json(place / DATA, result)
        write_text(page, learning_page(result))
    areas = {
        f"test.roc_auc.share{p['share']:g}": float(np.mean(p["test"])) for p in result["points"]
    }
    done.tracked.finish(finite(areas), [page.name, DATA])
    return LearningCurve(result, page)


def _record(
    name: str, source: str, shares: Sequence[float], done: Experiment, command: Sequence[str]
) -> dict[str, Any]:
    """Return the curve as plain data."""
    dataset, outcomes = done.verified.dataset, done.outcomes
    points = [_point(share, outcomes, done.positive) for share in shares]
    images, errors, groups = [], [], []
    for point in points:
        for seed, value in enumerate(point["test"]):
            images.append(point["images"])
            errors.append(1 - value)
            groups.append(seed)
    extrapolation = power_law.extrapolate(images, errors, groups, factor=FACTOR)
    whole = [Trial(o.test, 1.0, None) for o in outcomes if o.cell.share == shares[-1]]
    reached = leaderboard({name: whole}, done.positive)["entries"][0]["roc_auc"]
    return {
        "schema": SCHEMA,
        "architecture": name,
        "data": {
            "source": Path(parse(source)[0]).name,
            "images": len(dataset.samples),
            "patients": len({s.patient for s in dataset.samples}),
            "seeds": len({outcome.cell.seed for outcome in outcomes}),
        },
        "class_names": list(dataset.class_names),
        "positive": dataset.class_names[done.positive],
        "metric": "roc_auc",
        "points": points,
        "reached": reached,
        "extrapolation": extrapolation,
        "sentence": answer_sentence(name, extrapolation, reached),
        "notes": done.notes,
        "command": list(command),
        "synthetic": dataset.synthetic,
    }


def answer_sentence(name: str, extrapolation: Mapping[str, Any], reached: Mapping[str, Any]) -> str:
    """Say in a sentence or two whether more samples would help, and by how much.

    `reached` is {value, low, high} of the ROC-AUC that was measured with all images, a mean over
    seeds.
    """
    now, gain = extrapolation["now"], extrapolation["gain"]
    told = (
        f"With {extrapolation['images']:,} training images {name} reaches a ROC-AUC of "
        f"{value_text(reached)} on patients it has not seen"
    )
    if not above_chance(reached):
        return (
            f"{told}, which is not shown to be better than chance, so what more images would add "
            "cannot be told: find out first why it does not learn."
        )
    if gain["low"] is None:
        return f"{told}. These trainings do not differ enough to say what more images would add."
    if abs(1 - now["value"] - reached["value"]) > WORTHWHILE / 2:
        return (
            f"{told}. The power law does not fit these trainings (it says {1 - now['value']:.3f}), "
            "so what more images would add cannot be told from it: look at the curve."
        )
    told += (
        f"; twice as many would add about {gain['value']:.3f} "
        f"({gain['low']:.3f} to {gain['high']:.3f})."
    )
    if gain["high"] < WORTHWHILE:
        return f"{told} The number of samples is not what holds it back."
    if gain["low"] > WORTHWHILE:
        return f"{told} More samples would help."
    return f"{told} Whether that is worth having cannot be told from these trainings."


def _point(share: float, outcomes: Sequence[CellResult], positive: int) -> dict[str, Any]:
    of_share = sorted((o for o in outcomes if o.cell.share == share), key=lambda o: o.cell.seed)
    sizes = [o.summary["sizes"][TRAIN] for o in of_share]
    return {
        "share": share,
        "patients": round(float(np.mean([size["patients"] for size in sizes]))),
        "images": round(float(np.mean([size["images"] for size in sizes]))),
        "train": [o.summary["train"]["roc_auc"] for o in of_share],
        "validation": [_area(o.validation, positive) for o in of_share],
        "test": [_area(o.test, positive) for o in of_share],
    }


def _area(outputs: LabelledLogits, positive: int) -> float:
    return training_metrics(outputs.labels, softmax(outputs.logits), positive)["roc_auc"]
