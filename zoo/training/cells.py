"""One training among the many of a comparison or a learning curve, and what is kept of it.

A cell is plain data and so travels to any worker. What it leaves is one file of answers and
scores; a cell whose file exists is not trained again, and one that was killed goes on.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.environment import limit_threads, versions
from zoo.base.errors import BadInput, DamagedRun
from zoo.base.files import write_json
from zoo.base.locks import in_turn
from zoo.base.progress import SILENT, Progress
from zoo.base.recipe import DEFAULT
from zoo.base.records import folder_name
from zoo.base.registry import Registry, load_registry
from zoo.base.types import SPLITS, TEST, TRAIN, VALIDATION
from zoo.data.splits import fold, reduced
from zoo.data.verify import Verified, verify
from zoo.network.features import backbone_key
from zoo.runs import run_folder
from zoo.stats import labelled_logits
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.metrics import training_metrics
from zoo.stats.probabilities import softmax
from zoo.training import checkpoint
from zoo.training.checkpoint import TrainingState
from zoo.training.framing import read_at
from zoo.training.plan import Plan, build
from zoo.training.recipe import input_shape_of, settings
from zoo.training.session import Session
from zoo.training.tuning import tune, under_stress

SUMMARY = "cell.json"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A training of `architecture` on one fold, with a share of its training patients."""

    architecture: str
    source: str
    preset: str = DEFAULT
    settings: tuple[tuple[str, Any], ...] = ()
    input_shape: tuple[int, int, int] | None = None
    positive: str | None = None
    skip_broken: bool = False
    folds: int = 5
    fold: int = 0
    seed: int = 0
    share: float = 1.0
    data: str = ""
    """Fingerprint that the data must have; empty: any."""
    key: str = ""
    """What `key_of` gives: another network or other settings are another cell."""

    @property
    def name(self) -> str:
        """What tells the cell from the others of its experiment, fit for a folder."""
        part = "" if self.share == 1 else f"-share{self.share:g}"
        key = f"-{self.key}" if self.key else ""
        return f"{folder_name(self.architecture)}-seed{self.seed}-fold{self.fold}{part}{key}"


@dataclass(frozen=True, eq=False)
class CellResult:
    """What a finished cell leaves: answers to its validation and test part, and its figures."""

    cell: Cell
    validation: LabelledLogits
    test: LabelledLogits
    summary: Mapping[str, Any]
    """temperature, operating_point, train (scores), sizes, parameters, seconds, best_epoch."""


def key_of(cell: Cell, registry: Registry, classes: int) -> str:
    """Identify what is trained, but for data, division and seed, by 8 hexadecimal digits.

    That is the settings as they come out, the network as it is built, who gave it, and the
    versions of all that takes part.

    Raises:
        ZooError: a setting or the network cannot be used.
    """
    plan = plan_of(replace(cell, seed=0), registry)
    model = build(plan, classes)
    content = (
        plan.recipe,
        sorted(plan.options.items()),
        plan.architecture.origin,
        sorted(versions().items()),
        backbone_key(model),
        [layer.trainable for layer in model.layers],
    )
    return hashlib.blake2b(repr(content).encode(), digest_size=4).hexdigest()


def read_size(cell: Cell, registry: Registry) -> tuple[int, int]:
    """Return the height and width that a cell will most likely read its pictures at."""
    return read_at(plan_of(cell, registry))


def is_done(cell: Cell, folder: Path) -> bool:
    """Tell whether a cell was trained to its end below `folder`."""
    return (folder / cell.name / SUMMARY).is_file()


def train_cell(
    cell: Cell,
    folder: Path,
    threads: int = 0,
    opened: tuple[Registry, Verified] | None = None,
    progress: Progress = SILENT,
    until: float = math.inf,
) -> str:
    """Train a cell in a folder of its own below `folder`, unless it is done; return its name.

    `threads` limits the processor cores that TensorFlow takes in this process (0: all). `opened`
    are the plugins and the data, when they are at hand; a worker opens them once. After `until`,
    in seconds since the epoch, no training is begun.

    Raises:
        ZooError: the data or a setting cannot be used.
    """
    path = folder / cell.name
    if is_done(cell, folder):
        _sweep(path)
        return cell.name
    if time.time() >= until:
        return cell.name
    limit_threads(threads)
    opened = opened or _opened(cell.source, cell.skip_broken, cell.data)
    with in_turn(path):
        if not is_done(cell, folder):  # another process may have trained it meanwhile
            _train(cell, path, opened, progress)
    return cell.name


def _train(cell: Cell, path: Path, opened: tuple[Registry, Verified], progress: Progress) -> None:
    saved = path / run_folder.CHECKPOINT
    state = checkpoint.load(saved).state if saved.is_file() else TrainingState()
    session = _session(cell, *opened, progress, state.execution)
    began = time.monotonic()
    session.fit(path, state)
    _keep(cell, session, state, path, time.monotonic() - began)
    _sweep(path)


def _sweep(path: Path) -> None:
    """Remove the checkpoint of a finished cell; where that fails, it is tried the next time."""
    with contextlib.suppress(OSError):
        (path / run_folder.CHECKPOINT).unlink(missing_ok=True)


def read_cell(cell: Cell, folder: Path) -> CellResult:
    """Read what a finished cell left.

    Raises:
        DamagedRun: a file is missing or damaged.
    """
    path = folder / cell.name
    try:
        summary = json.loads((path / SUMMARY).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedRun(f"'{path}' is not a finished training ({error}). Run it again.") from error
    return CellResult(
        cell,
        labelled_logits.load(path / f"{VALIDATION}.npz"),
        labelled_logits.load(path / f"{TEST}.npz"),
        summary,
    )


def plan_of(cell: Cell, registry: Registry) -> Plan:
    """Return the settings of a cell as they come out.

    Raises:
        ZooError: a setting cannot be used.
    """
    architecture = registry.architecture(cell.architecture)
    recipe, options = settings(
        architecture, {**dict(cell.settings), "seed": cell.seed}, cell.preset
    )
    shape = input_shape_of(architecture, cell.preset, cell.input_shape)
    return Plan(architecture, recipe, options, shape, cell.source, cell.positive, cell.skip_broken)


def _session(
    cell: Cell,
    registry: Registry,
    verified: Verified,
    progress: Progress,
    recorded: Mapping[str, Any] | None = None,
) -> Session:
    division = fold(verified.dataset, verified.digests, cell.folds, cell.seed, cell.fold)
    division = reduced(division, verified.digests, cell.share, cell.seed)
    return Session(plan_of(cell, registry), verified, division, progress, recorded=recorded)


def _keep(cell: Cell, session: Session, state: TrainingState, path: Path, seconds: float) -> None:
    trained = session.trained()
    answers = {
        part: labelled_logits.gather(session.logits(part), session.parts[part]) for part in SPLITS
    }
    tuned = tune(
        answers[VALIDATION], under_stress(trained).answers, session.positive, session.plan.recipe
    )
    learned = answers[TRAIN]
    scores = training_metrics(learned.labels, softmax(learned.logits), session.positive)
    for part in (VALIDATION, TEST):
        labelled_logits.save(path / f"{part}.npz", answers[part])
    summary = {
        "cell": asdict(cell),
        "class_names": list(session.verified.dataset.class_names),
        "positive": session.positive,
        "temperature": tuned.temperature,
        "operating_point": tuned.point,
        "train": {name: value if np.isfinite(value) else None for name, value in scores.items()},
        "sizes": {
            part: {"images": len(samples), "patients": len({s.patient for s in samples})}
            for part, samples in session.parts.items()
        },
        "parameters": session.parameters,
        "execution": session.execution.to_record(),
        "seconds": round(seconds, 1),
        "epochs": len(state.history),
        "best_epoch": state.best_epoch,
        "unused_phases": state.unused_phases,
        "alarms": [asdict(alarm) for alarm in session.alarms.kept.values()],
    }
    write_json(path / SUMMARY, summary)  # last: a cell is done when it is there


@functools.lru_cache(maxsize=1)
def _opened(source: str, skip_broken: bool, fingerprint: str) -> tuple[Registry, Verified]:
    """Open the plugins and the data once for all the cells that a worker trains.

    Raises:
        BadInput: the data are not those with the fingerprint.
    """
    registry = load_registry()
    verified = verify(registry.dataset(source), skip_broken=skip_broken, progress=SILENT)
    if fingerprint not in ("", verified.fingerprint):
        raise BadInput(
            f"The data '{source}' of a worker are not those that the command was given for. "
            "Expected the same images under the same path; give the command again."
        )
    return registry, verified
