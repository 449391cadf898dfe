"""Cells trained one after the other, side by side on this machine, or by a cluster."""

from __future__ import annotations

import functools
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from zoo.base.cluster import Cluster
from zoo.base.errors import BadInput, DamagedRun, NotWritten, Unreachable, ZooError
from zoo.base.parallel import in_processes
from zoo.base.progress import Progress
from zoo.base.registry import Registry
from zoo.data.verify import Verified
from zoo.network.conformance import refuse_misfits, tried
from zoo.training.cells import SUMMARY, Cell, is_done, plan_of, train_cell
from zoo.training.plan import build

OF_ALL = (BadInput, DamagedRun, NotWritten, Unreachable)
"""Errors that the settings of a cell have no part in."""


def train_all(
    cells: Sequence[Cell],
    folder: Path,
    *,
    jobs: int = 1,
    cluster: Cluster | None = None,
    opened: tuple[Registry, Verified],
    progress: Progress,
    until: float = math.inf,
    failed: dict[str, str] | None = None,
    tried_before: bool = False,
    finished: Callable[[str], None] = lambda _: None,
) -> None:
    """Train every cell that is not done yet, `jobs` at a time; tell `finished` the name of each.

    With one job on this machine the trainings run in this process and show their epochs. With a
    cluster its workers train, which need this program, the data and the folder under the same
    paths. An architecture that could not be used afterwards is refused before the first training,
    unless its networks were `tried_before`. After `until`, in seconds since the epoch, no training
    is begun. Where `failed` is given, what is wrong with the settings of a cell is noted there
    under its name, and the others go on.

    Raises:
        InvalidSetting: an architecture that could not be used.
        ZooError: the data or a setting cannot be used, or workers fail.
    """
    if not tried_before:
        refuse_unusable(cells, folder, *opened)
    if cluster is None and jobs == 1:
        for number, cell in enumerate(cells, 1):
            if is_done(cell, folder) or time.time() < until:
                progress.note(f"Training {number} of {len(cells)}: {cell.name}")
                told = _attempt(cell, folder, opened=opened, progress=progress)
                _tell(*told, failed, progress)
                if is_done(cell, folder):
                    finished(cell.name)
        return
    threads = max(1, (os.cpu_count() or 1) // jobs) if cluster is None else 0
    work = functools.partial(_attempt, folder=folder.resolve(), threads=threads, until=until)
    progress.start("trainings", len(cells))
    try:
        for name, error in in_processes(work, cells, jobs, cluster):
            _tell(name, error, failed, progress)
            if (folder / name / SUMMARY).is_file():
                progress.note(f"Finished {name}")
                finished(name)
            progress.advance()
    finally:
        progress.stop()


def _attempt(cell: Cell, folder: Path, **how: Any) -> tuple[str, ZooError | None]:
    """Train a cell; return its name, and what a user can mend where it failed."""
    try:
        return train_cell(cell, folder, **how), None
    except ZooError as error:
        return cell.name, error


def _tell(
    name: str, error: ZooError | None, failed: dict[str, str] | None, progress: Progress
) -> None:
    """Note a failure, or raise it where nobody notes it."""
    if error is None:
        return
    if failed is None or isinstance(error, OF_ALL):
        raise error
    failed[name] = str(error)
    progress.warn(f"{name} failed: {error}")


def refuse_unusable(
    cells: Sequence[Cell], folder: Path, registry: Registry, verified: Verified
) -> None:
    """Try a network of each architecture that is not trained yet.

    Raises:
        InvalidSetting: one could be trained, but not used.
    """
    undone = {cell.architecture: cell for cell in reversed(cells) if not is_done(cell, folder)}
    for cell in undone.values():
        network = build(plan_of(cell, registry), len(verified.dataset.class_names))
        refuse_misfits(tried(network, elsewhere=False), cell.architecture)
