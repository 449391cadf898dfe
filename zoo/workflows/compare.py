"""Compare architectures on the same folds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.base.displayed import Drawn, Tabled
from zoo.base.downloads import is_unreached
from zoo.base.errors import InvalidSetting, MissingWeights, ZooError
from zoo.base.files import write_json, write_text
from zoo.base.listeners import listener
from zoo.base.locks import in_turn
from zoo.base.progress import Progress
from zoo.base.recipe import DEFAULT
from zoo.base.registry import DEFAULT_SOURCE, Registry, load_registry
from zoo.base.sources import parse
from zoo.checks.findings import counted
from zoo.data.fold_baselines import baselines_on_folds
from zoo.data.splits import fold
from zoo.report.pages.comparison import comparison_page
from zoo.runs.tracking import finite
from zoo.stats.leaderboard import RATES, Trial, leaderboard
from zoo.training.cells import Cell, CellResult
from zoo.training.recipe import lacking
from zoo.workflows.experiments import Experiment, Opened, Setup
from zoo.workflows.racing import Race, race

SCHEMA = 1
DATA = "comparison.json"


@dataclass(frozen=True, repr=False)
class Comparison(Tabled, Drawn):
    """The leaderboard as plain data (docs/metrics.md has the schema), and its page."""

    result: Mapping[str, Any]
    page: Path


def compare(
    names: Sequence[str],
    source: str = DEFAULT_SOURCE,
    *,
    folds: int = 5,
    seeds: int = 1,
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
    budget: float | None = None,
    command: Sequence[str] = (),
) -> Comparison:
    """Train every architecture on the same patient-grouped folds and compare what they answer.

    A name may stand for several, as `keras:*Net*` or the family `keras:`; those of them that cannot
    be built here, as their weights cannot be had, are left out. `changes` are settings of the
    recipe, for all alike, or options of architectures, for those that have them. The same call goes
    on where a killed one was; other architectures or seeds reuse what is there, and get a page of
    their own. A test part that the source gives stays untouched. With a `budget`, in seconds, the
    folds are trained one after the other, and those that lose are stopped early (docs/trust.md says
    by which rule). With `track` 'mlflow' each training is told to MLflow when it is done (see
    `train`).

    Raises:
        ZooError: a name, a setting or the data cannot be used.

    Example:
        >>> small = {"changes": {"epochs": 1}, "input_shape": (64, 64, 3)}
        >>> source = "phantom?images=60&size=64"
        >>> compared = zoo.compare(["mnist", "scratch"], source, folds=2, **small)
        >>> sorted(entry["name"] for entry in compared.result["entries"])
        ['mnist', 'scratch']
    """
    progress = listener(progress)
    if not names or folds < 2 or seeds < 1 or (budget is not None and not budget > 0):
        raise InvalidSetting(
            f"{len(names)} architectures, {folds} folds, {seeds} seeds and a budget of "
            f"{'any time' if budget is None else f'{budget:g} seconds'} were asked for; expected "
            "at least one architecture, two folds, one seed and some time."
        )
    registry = registry or load_registry()
    chosen = _matched(registry, names, progress)
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
    parts = [(seed, fold) for seed in range(seeds) for fold in range(folds)]
    raced: Race | None = None
    with setup.opened(chosen) as opened:
        place = opened.place_of(folds, "comparison", sorted(chosen), seeds)
        if budget is not None:
            chosen = _cheapest_first(chosen, registry)
        plan, left_out = _planned(opened, chosen, names, parts, folds)
        opened = replace(opened, names=tuple(name for name in opened.names if name in plan))
        progress.note(f"{counted(len(plan), 'architecture')}, {folds * seeds} trainings each.")
        if budget is None:
            cells = list(itertools.chain.from_iterable(plan.values()))
            done = opened.trained(cells, place, tried_before=True)
        else:
            done, raced = _raced(opened, plan, place, budget)
            parts = parts[: raced.rounds]
    result = {
        **_record(setup, done, folds, seeds, parts),
        "budget": None
        if raced is None
        else {"seconds": budget, "spent": round(raced.seconds, 1), "trainings": raced.rounds},
        "stopped": [] if raced is None else list(raced.stopped),
        "left_out": [{"name": name, "reason": reason} for name, reason in left_out.items()],
    }
    compared = write_comparison(result, place)
    done.tracked.finish(_figures(result), [compared.page.name, DATA])
    return compared


def write_comparison(result: Mapping[str, Any], place: Path) -> Comparison:
    """Write a comparison into the folder `place`, as data and as a page."""
    page = place / "comparison.html"
    with in_turn(place):
        write_json(place / DATA, result)
        write_text(page, comparison_page(result))
    return Comparison(result, page)


def _matched(registry: Registry, names: Sequence[str], progress: Progress) -> list[str]:
    """Return the architectures that names and patterns stand for, each once, and tell how many."""
    matched = registry.matched(names)
    for name, found in matched.items():
        if found != [name]:
            told = counted(len(found), "architecture")
            progress.note(f"'{name}' matches {told}: {', '.join(found)}.")
    return list(dict.fromkeys(itertools.chain.from_iterable(matched.values())))


def _record(
    setup: Setup, done: Experiment, folds: int, seeds: int, parts: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    """Return what trainings on all of the same parts, (seed, fold), show, as plain data."""
    dataset = done.verified.dataset
    trials: dict[str, list[Trial]] = {}
    for outcome in done.outcomes:
        trials.setdefault(outcome.cell.architecture, []).append(_trial(outcome))
    first = next(iter(trials.values()))
    named = map((setup.registry or load_registry()).architecture, trials)
    return {
        "schema": SCHEMA,
        "kind": "folds",
        "data": {
            "source": Path(parse(setup.source)[0]).name,
            "images": len({name for t in first for name in t.outputs.names.tolist()}),
            "patients": len({p for t in first for p in t.outputs.patients.tolist()}),
            "folds": folds,
            "seeds": seeds,
        },
        "class_names": list(dataset.class_names),
        "positive": dataset.class_names[done.positive],
        **leaderboard(trials, done.positive),
        "baselines": baselines_on_folds(done.verified, folds, parts, done.positive, setup.progress),
        "notes": [
            *lacking(named, setup.changes or {}),
            *fold(dataset, done.verified.digests, folds, 0, 0).notes,
            *done.notes,
        ],
        "command": list(setup.command),
        "synthetic": dataset.synthetic,
    }


def _figures(result: Mapping[str, Any]) -> dict[str, float]:
    """Return what a tracker is told of each architecture."""
    return finite(
        {
            f"{entry['name']}.{figure}{end and f'.{end}'}": entry[figure][end or "value"]
            for entry in result["entries"]
            for figure in RATES
            for end in ("", "low", "high")
        }
    )


def _planned(
    opened: Opened,
    chosen: Sequence[str],
    names: Sequence[str],
    parts: Sequence[tuple[int, int]],
    folds: int,
) -> tuple[dict[str, list[Cell]], dict[str, str]]:
    """Return the cells of each network, and which cannot be used here, with the reasons.

    Raises:
        ZooError: one that was asked for by its own name cannot be used, or none can.
    """
    plan: dict[str, list[Cell]] = {}
    left_out: dict[str, str] = {}
    away: dict[str, str] = {}  # by plugin, why what it fetches cannot be had
    untried: dict[str, list[str]] = {}
    registry, note = opened.registry, opened.setup.progress.note
    for name in chosen:
        reason = away.get(registry.origins.get(name, name), "")
        if reason and name not in names and not registry.architecture(name).offline:
            left_out[name] = reason
            untried.setdefault(reason, []).append(name)
            continue
        try:
            cells = opened.plan(
                {"architecture": name, "seed": seed, "folds": folds, "fold": number}
                for seed, number in parts
            )
            opened.refuse_unusable(cells)
        except ZooError as error:
            if name in names:
                raise
            left_out[name] = " ".join(str(error).split())
            note(f"Left out: {name}: {left_out[name]}")
            if isinstance(error, MissingWeights) and is_unreached(error):
                away[registry.origins.get(name, name)] = (
                    f"Not tried: the weights are not on this machine, and those of {name}, by the "
                    "same plugin, come from a host that cannot be reached."
                )
        else:
            plan[name] = cells
    for reason, those in untried.items():
        note(f"Left out: {', '.join(those)}. {reason}")
    if not plan:
        raise InvalidSetting(
            f"No architecture that {' or '.join(names)} stands for can be used here. "
            f"{chosen[0]}: {left_out[chosen[0]]}"
        )
    return plan, left_out


def _cheapest_first(names: Sequence[str], registry: Registry) -> list[str]:
    """Order by what an image costs, so that little time serves many; last what does not say."""
    costs = {name: registry.architecture(name).multiply_adds for name in names}
    return sorted(names, key=lambda name: costs[name] or math.inf)


def _raced(
    opened: Opened, plan: Mapping[str, Sequence[Cell]], place: Path, budget: float
) -> tuple[Experiment, Race]:
    with opened.followed(place) as followed:
        raced = race(followed, plan, _trial, budget)
    outcomes = list(itertools.chain.from_iterable(raced.outcomes.values()))
    if not outcomes:
        raise InvalidSetting(
            f"The budget of {budget:g} seconds was over before a training was begun. Give more, or "
            "none; with several jobs their start counts, too."
        )
    return followed.left(outcomes), raced


def _trial(outcome: CellResult) -> Trial:
    point = outcome.summary["operating_point"]
    return Trial(
        outcome.test,
        outcome.summary["temperature"],
        None if point is None else point["threshold"],
        outcome.cell.seed,
        outcome.cell.fold,
        outcome.summary["seconds"],
        outcome.summary["parameters"],
    )
