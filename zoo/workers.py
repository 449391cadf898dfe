"""Independent trainings side by side: on this machine's cores, or on a Dask cluster."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.cells import Cell, train
from zoo.errors import InvalidSetting
from zoo.progress import Progress
from zoo.registry import Registry
from zoo.verification import Verified

BACKENDS = ("loky", "dask")
CONNECT_SECONDS = 10


def train_all(
    cells: Sequence[Cell],
    folder: Path,
    *,
    jobs: int = 1,
    backend: str = "loky",
    scheduler: str | None = None,
    opened: tuple[Registry, Verified],
    progress: Progress,
) -> None:
    """Train every cell that is not done yet, `jobs` at a time.

    With one job on this machine the trainings run in this process and show their epochs. With
    'dask' they go to the cluster at the address `scheduler`, whose workers need this program, the
    data and the folder under the same paths.

    Raises:
        InvalidSetting: an unknown backend, or an address that fits none or does not answer.
        ZooError: the data or a setting cannot be used.
    """
    check_backend(backend, scheduler)
    if backend == "loky" and jobs == 1:
        for number, cell in enumerate(cells, 1):
            progress.note(f"Training {number} of {len(cells)}: {cell.name}")
            train(cell, folder, opened=opened, progress=progress)
        return
    with pool(jobs, scheduler) as parallel:
        import joblib

        threads = max(1, (os.cpu_count() or 1) // jobs) if scheduler is None else 0
        work = (joblib.delayed(attempt)(cell, folder.resolve(), threads) for cell in cells)
        progress.start("trainings", len(cells))
        try:
            for name, error in parallel(work):
                if error is not None:
                    raise error
                progress.note(f"Finished {name}")
                progress.advance()
        finally:
            progress.stop()


def check_backend(name: str, scheduler: str | None) -> None:
    """Refuse a backend that is unknown, or an address that it has no use for.

    Raises:
        InvalidSetting: one of these.
    """
    if name not in BACKENDS:
        raise InvalidSetting(f"The backend is '{name}'; expected one of: {', '.join(BACKENDS)}.")
    if (name == "dask") != (scheduler is not None):
        raise InvalidSetting(
            "Expected --backend dask together with --scheduler ADDRESS, or neither of them."
        )


def attempt(cell: Cell, folder: Path, threads: int) -> tuple[str, Exception | None]:
    """Train a cell and hand its error back: joblib waits for ever for a Dask task that raises."""
    try:
        return train(cell, folder, threads), None
    except Exception as error:  # raised again where the trainings were asked for
        return cell.name, error


@contextlib.contextmanager
def pool(jobs: int, scheduler: str | None) -> Iterator[Any]:
    """Give a joblib.Parallel that yields results as they come."""
    import joblib

    if scheduler is None:
        yield joblib.Parallel(n_jobs=jobs, backend="loky", return_as="generator_unordered")
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise InvalidSetting(
            "--backend dask needs Dask on this machine: pip install 'xray-zoo[dask]'"
        ) from error
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InvalidSetting(
            f"The Dask scheduler '{scheduler}' does not answer ({error}). Expected an address such "
            "as tcp://127.0.0.1:8786."
        ) from error
    with client, joblib.parallel_config(backend="dask", client=client):
        yield joblib.Parallel(n_jobs=-1, return_as="generator_unordered")
