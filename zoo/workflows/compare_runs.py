"""Compare finished runs on images that none of them has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from zoo.base.errors import BadInput, InvalidSetting
from zoo.base.listeners import listener
from zoo.base.progress import Progress
from zoo.base.registry import Registry, load_registry
from zoo.base.sources import absolute, parse
from zoo.base.types import TEST, Dataset, Sample
from zoo.runs import model_file, run_folder
from zoo.runs.outputs import outputs_of
from zoo.runs.record import EXPERIMENTS
from zoo.runs.run_baselines import run_baselines
from zoo.runs.run_folder import Run
from zoo.runs.selection import open_selection, select
from zoo.stats.labelled_logits import gather
from zoo.stats.leaderboard import Trial, leaderboard
from zoo.workflows.compare import SCHEMA, Comparison, write_comparison


def compare_runs(
    chosen: Sequence[Run],
    source: str | None = None,
    *,
    split: str = TEST,
    skip_broken: bool = False,
    folder: str | Path | None = None,
    registry: Registry | None = None,
    progress: Progress | None = None,
    command: Sequence[str] = (),
) -> Comparison:
    """Compare finished runs on the images that none of them was trained or tuned on.

    Without a `source` these are of the data the first run was trained on.

    Raises:
        ZooError: the runs know other classes than each other or the data, or no image is left.

    Example:
        >>> compared = zoo.compare_runs([run, other])
        >>> len(compared.result["entries"])
        2
    """
    progress = listener(progress)
    _check(chosen)
    registry, first = registry or load_registry(), chosen[0]
    source = source or first.record["data"]["source"]
    dataset, samples, notes = _shared_images(chosen, registry, source, split, skip_broken, progress)
    trials = {run.name: [_trial(run, dataset, samples, progress)] for run in chosen}
    answers = trials[first.name][0].outputs
    positive = first.record["positive"]
    result = {
        "schema": SCHEMA,
        "kind": "runs",
        "data": {
            "source": Path(parse(dataset.source)[0]).name,
            "images": len(samples),
            "patients": len(set(answers.patients.tolist())),
            "folds": 1,
            "seeds": 1,
        },
        "budget": None,
        "stopped": [],
        "left_out": [],
        "class_names": list(first.class_names),
        "positive": first.class_names[positive],
        **leaderboard(trials, positive),
        "baselines": run_baselines(first, dataset, samples, answers, progress),
        "notes": list(notes),
        "command": list(command),
        "synthetic": dataset.synthetic,
    }
    asked = (absolute(source), split, sorted(str(run.path.resolve()) for run in chosen))
    key = hashlib.blake2b(repr(asked).encode(), digest_size=4).hexdigest()
    name = Path(parse(dataset.source)[0]).name
    return write_comparison(result, run_folder.root(folder) / EXPERIMENTS / f"{name}-runs-{key}")


def _check(chosen: Sequence[Run]) -> None:
    """Refuse a run alone or twice, two of the same name, and those of other classes."""
    if len({run.path.resolve() for run in chosen}) < max(len(chosen), 2):
        raise InvalidSetting("Expected at least two different runs to compare, each given once.")
    named: dict[str, Run] = {}
    for run in chosen:
        if (other := named.setdefault(run.name, run)) is not run:
            raise InvalidSetting(
                f"'{other.path}' and '{run.path}' are two runs of the same name, which a table "
                f"cannot tell apart. Rename one: zoo runs rename {run.name} NAME --runs "
                f"'{run.path.parent}'."
            )
    first = chosen[0]
    for run in chosen:
        if (run.class_names, run.record["positive"]) != (
            first.class_names,
            first.record["positive"],
        ):
            raise BadInput(
                f"'{run.name}' knows {', '.join(run.class_names)}, '{first.name}' knows "
                f"{', '.join(first.class_names)}; expected the same classes, in the same order."
            )


def _trial(run: Run, dataset: Dataset, samples: Sequence[Sample], progress: Progress) -> Trial:
    """Return what a run answers to images, at its own temperature and threshold."""
    classifier = model_file.load_classifier(run)
    return Trial(
        gather(outputs_of(classifier, dataset, samples, progress).logits, samples),
        run.temperature,
        run.threshold,
        run.record["seed"],
        seconds=run.record["training"]["seconds"],
        parameters=run.record["parameters"],
    )


def _shared_images(
    chosen: Sequence[Run],
    registry: Registry,
    source: str,
    split: str,
    skip_broken: bool,
    progress: Progress,
) -> tuple[Dataset, list[Sample], tuple[str, ...]]:
    first = open_selection(
        chosen[0], registry, source, split, skip_broken=skip_broken, progress=progress
    )
    allowed = {s.name for s in first.samples}
    for run in chosen[1:]:  # they number the classes alike, so one reading serves all
        selected = select(run, first.verified, split)
        allowed &= {s.name for s in selected.samples}
        for note in selected.notes.told():
            progress.note(note)
    if not allowed:
        raise BadInput(
            f"No image is left that none of the {len(chosen)} runs was trained or tuned on. "
            "Train them with the same --seed, or compare them on other data: --data SOURCE."
        )
    shared = [s for s in first.samples if s.name in allowed]
    note = f"{len(shared)} images that none of the runs was trained or tuned on."
    return first.verified.dataset, shared, (note,)
