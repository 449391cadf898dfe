"""One training among the many of a comparison or a learning curve, and what is kept of it.

A cell is plain data and so travels to any worker. What it leaves is one file of answers and
scores; a cell whose file exists is not trained again, and one that was killed goes on.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo import checkpoint, outputs, runs
from zoo.checkpoint import TrainingState
from zoo.classifier import softmax
from zoo.environment import limit_threads
from zoo.errors import DamagedRun
from zoo.finishing import answers_of, tune
from zoo.metrics import training_metrics
from zoo.outputs import Outputs
from zoo.plan import Plan
from zoo.progress import SILENT, Progress
from zoo.recipe import settings
from zoo.registry import Registry, load
from zoo.session import Session
from zoo.splits import folds, reduced
from zoo.storage import write_json
from zoo.types import SPLITS, TEST, TRAIN, VALIDATION
from zoo.verification import Verified, verify

SUMMARY = "cell.json"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A training of `architecture` on one fold, with a share of its training patients."""

    architecture: str
    source: str
    settings: tuple[tuple[str, Any], ...] = ()
    input_shape: tuple[int, int, int] | None = None
    positive: str | None = None
    skip_broken: bool = False
    folds: int = 5
    fold: int = 0
    seed: int = 0
    share: float = 1.0

    @property
    def name(self) -> str:
        """What tells the cell from the others of its experiment, fit for a folder."""
        part = "" if self.share == 1 else f"-share{self.share:g}"
        return f"{self.architecture}-seed{self.seed}-fold{self.fold}{part}"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a finished cell leaves: answers to its validation and test part, and its figures."""

    cell: Cell
    validation: Outputs
    test: Outputs
    summary: Mapping[str, Any]
    """temperature, operating_point, train (scores), sizes, parameters, seconds, best_epoch."""


def train(
    cell: Cell,
    folder: Path,
    threads: int = 0,
    opened: tuple[Registry, Verified] | None = None,
    progress: Progress = SILENT,
) -> str:
    """Train a cell in a folder of its own below `folder`, unless it is done; return its name.

    `threads` limits the processor cores that TensorFlow takes in this process (0: all). `opened`
    are the plugins and the data, when they are at hand; a worker opens them once.

    Raises:
        ZooError: the data or a setting cannot be used.
    """
    path = folder / cell.name
    if (path / SUMMARY).is_file():
        return cell.name
    limit_threads(threads)
    registry, verified = opened or _opened(cell.source, cell.skip_broken)
    session = _session(cell, registry, verified, progress)
    saved = path / runs.CHECKPOINT
    state = checkpoint.load(saved).state if saved.is_file() else TrainingState()
    began = time.monotonic()
    session.fit(path, state)
    _keep(cell, session, state, path, time.monotonic() - began)
    saved.unlink(missing_ok=True)
    return cell.name


def read(cell: Cell, folder: Path) -> Outcome:
    """Read what a finished cell left.

    Raises:
        DamagedRun: a file is missing or damaged.
    """
    path = folder / cell.name
    try:
        summary = json.loads((path / SUMMARY).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedRun(f"'{path}' is not a finished training ({error}). Run it again.") from error
    return Outcome(
        cell, outputs.load(path / f"{VALIDATION}.npz"), outputs.load(path / f"{TEST}.npz"), summary
    )


def _session(cell: Cell, registry: Registry, verified: Verified, progress: Progress) -> Session:
    architecture = registry.architecture(cell.architecture)
    recipe, options = settings(architecture, {**dict(cell.settings), "seed": cell.seed})
    shape = cell.input_shape or architecture.input_shape
    plan = Plan(architecture, recipe, options, shape, cell.source, cell.positive, cell.skip_broken)
    division = folds(verified.dataset, verified.digests, cell.folds, cell.seed)[cell.fold]
    division = reduced(division, verified.digests, cell.share, cell.seed)
    return Session(plan, verified, division, progress)


def _keep(cell: Cell, session: Session, state: TrainingState, path: Path, seconds: float) -> None:
    answers = {part: answers_of(session, part) for part in SPLITS}
    temperature, point = tune(answers[VALIDATION], session)
    learned = answers[TRAIN]
    scores = training_metrics(learned.labels, softmax(learned.logits), session.positive)
    for part in (VALIDATION, TEST):
        outputs.save(path / f"{part}.npz", answers[part])
    summary = {
        "cell": asdict(cell),
        "class_names": list(session.verified.dataset.class_names),
        "positive": session.positive,
        "temperature": temperature,
        "operating_point": point,
        "train": {name: value if np.isfinite(value) else None for name, value in scores.items()},
        "sizes": {
            part: {"images": len(samples), "patients": len({s.patient for s in samples})}
            for part, samples in session.parts.items()
        },
        "parameters": session.parameters,
        "seconds": round(seconds, 1),
        "epochs": len(state.history),
        "best_epoch": state.best_epoch,
        "alarms": [asdict(alarm) for alarm in session.alarms.values()],
    }
    write_json(path / SUMMARY, summary)  # last: a cell is done when it is there


@functools.lru_cache(maxsize=1)
def _opened(source: str, skip_broken: bool) -> tuple[Registry, Verified]:
    """Open the plugins and the data once for all the cells that a worker trains."""
    registry = load()
    return registry, verify(registry.dataset(source), skip_broken=skip_broken, progress=SILENT)
