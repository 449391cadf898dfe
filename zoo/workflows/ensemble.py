"""Join finished runs to one that answers with the mean of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo.base.environment import peak_memory, versions
from zoo.base.errors import BadInput, InvalidSetting
from zoo.base.listeners import listener
from zoo.base.progress import Progress
from zoo.base.recipe import Recipe
from zoo.base.registry import Registry, load_registry
from zoo.base.types import SPLITS, Sample
from zoo.data.verify import Verified, verify
from zoo.network import graph, localiser
from zoo.network.classifier import TrainedClassifier
from zoo.network.ensemble import SHIFTED, WHOLE, Member, joined
from zoo.network.localiser import Localiser
from zoo.runs import model_file, run_folder
from zoo.runs.run_folder import Run
from zoo.runs.selection import with_classes_of
from zoo.stats.alarms import Conditions
from zoo.training.framing import Framing
from zoo.training.trained import Alarms, Trained
from zoo.workflows.finished_run import finished_run

NAME = "ensemble"
AGREEING = ("class_names", "positive", "frame")
"""What the records of all members say alike."""
WHOLE_PICTURES = "whole"
"""The frame of a run that sees all of a picture."""


def ensemble(
    runs: Sequence[Run],
    *,
    shifts: bool = False,
    folder: str | Path | None = None,
    registry: Registry | None = None,
    progress: Progress | None = None,
    command: Sequence[str] = (),
) -> Run:
    """Join runs to one that gives the mean of their logits, each at its own temperature.

    The new run is measured on the parts that its members share, and is used like any other. With
    `shifts` each member sees every image five times, four of them shifted a little; a single run
    can be joined with itself that way. Runs are kept in `folder` (default: ZOO_RUNS or `runs`).

    Raises:
        InvalidSetting: fewer than two runs without `shifts`, the same run twice, or runs of other
            classes, frames, channels or parts of the data.
        BadInput: the data cannot be read any more.

    Example:
        >>> both = zoo.ensemble([run, other])
        >>> both.record["options"]["members"] == [run.name, other.name]
        True
    """
    progress = listener(progress)
    first = _check(runs, shifts)
    registry = registry or load_registry()
    data = first.record["data"]
    dataset = with_classes_of(first, registry.dataset(data["source"]))
    verified = verify(
        dataset,
        skip_broken=data["skip_broken"],
        progress=progress,
        size=tuple(first.record["input_shape"][:2]),
    )
    parts = _parts(first, verified)
    classifiers = [model_file.load_classifier(run) for run in runs]
    finds = _localiser(first)
    framed = first.record.get("frame", WHOLE_PICTURES) != WHOLE_PICTURES
    model = joined(
        [Member(one.inner, one.temperature) for one in classifiers],
        finds if framed else None,
        SHIFTED if shifts else WHOLE,
    )
    recipe = Recipe.from_record(first.record["recipe"])
    classifier = TrainedClassifier(model, first.class_names, first.record["positive"])
    record = _record(runs, shifts, recipe, classifier, command)
    trained = Trained(
        classifier,
        Framing(finds, name=first.record.get("frame", WHOLE_PICTURES)),
        verified,
        parts,
        recipe,
        Conditions(asdict(recipe), record["options"], ()),
        Alarms(progress),
        progress,
    )
    return finished_run(trained, record, folder, NAME)


def _localiser(run: Run) -> Localiser | None:
    path = run.path / run_folder.LOCALISER
    return localiser.load(path) if path.is_file() else None


def _check(runs: Sequence[Run], shifts: bool) -> Run:
    """Refuse runs that cannot be joined; return the first one."""
    if not runs or (len(runs) == 1 and not shifts):
        raise InvalidSetting(
            f"{len(runs)} run was given to be joined; expected two or more, or one with --shifts."
        )
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise InvalidSetting("A run was given twice to be joined; expected each of them once.")
    first = runs[0]
    for run in runs[1:]:
        for name in AGREEING:
            ours, theirs = (one.record.get(name) for one in (first, run))
            if ours != theirs:
                raise InvalidSetting(
                    f"'{first.name}' and '{run.name}' differ in {name.replace('_', ' ')} ({ours}, "
                    f"{theirs}). Expected runs of the same task that see the same of a picture."
                )
        if first.record["input_shape"][2] != run.record["input_shape"][2]:
            raise InvalidSetting(
                f"'{first.name}' and '{run.name}' take another number of channels. Train them with "
                "the same --input channels."
            )
        found_by = [one.key for one in map(_localiser, (first, run)) if one is not None]
        if first.record.get("frame", WHOLE_PICTURES) != WHOLE_PICTURES and len(set(found_by)) > 1:
            raise InvalidSetting(
                f"What '{first.name}' and '{run.name}' see was found by two localisers. Train them "
                "with the same --masks and the same --seed, or without masks."
            )
        for part in SPLITS:
            ours, theirs = (set(one.record["splits"][part]["members"]) for one in (first, run))
            if ours != theirs:
                raise InvalidSetting(
                    f"'{first.name}' and '{run.name}' have other images in their {part} part: one "
                    "was trained on what the other is measured by. Train them on the same data, "
                    "with the same split_seed."
                )
    return first


def _parts(run: Run, verified: Verified) -> dict[str, list[Sample]]:
    """Return the samples of each part, in the order of the data."""
    members = {part: set(run.record["splits"][part]["members"]) for part in SPLITS}
    parts = {
        part: [s for s in verified.dataset.samples if verified.digests[s.name] in members[part]]
        for part in SPLITS
    }
    for part, samples in parts.items():
        missing = members[part] - {verified.digests[s.name] for s in samples}
        if missing:
            raise BadInput(
                f"{len(missing)} images of the {part} part of '{run.name}' are no longer in its "
                f"data ({run.record['data']['source']}). Restore them."
            )
    return parts


def _record(
    runs: Sequence[Run],
    shifts: bool,
    recipe: Recipe,
    classifier: TrainedClassifier,
    command: Sequence[str],
) -> dict[str, Any]:
    first, trained = runs[0].record, [run.record["training"] for run in runs]
    kept = ("class_names", "positive", "data", "splits", "pretrained", "frame", "findings")
    return {
        **{name: first[name] for name in kept if name in first},
        "architecture": NAME,
        "options": {"members": [run.name for run in runs], "shifts": shifts},
        "recipe": asdict(recipe),
        "seed": recipe.seed,
        "input_shape": list(classifier.input_shape),
        "sees": max((run.record.get("sees", []) for run in runs), default=[]),
        "parameters": {"total": graph.parameters(classifier.inner), "trainable": 0},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "plugin": "xray-zoo",
        model_file.BUILT_BY: [
            origin.to_record() for run in runs for origin in model_file.origins(run.record)
        ],
        "command": list(command),
        "versions": versions(),
        "training": {
            "epochs": sum(one["epochs"] for one in trained),
            "best_epoch": 0,
            "unused_phases": [],
            "seconds": round(sum(one["seconds"] for one in trained), 1),
            "peak_memory_mb": peak_memory(),
        },
    }
