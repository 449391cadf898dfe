"""A run folder that is written beside its place and takes it when it is whole."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from zoo.base import leftovers, locks
from zoo.base.files import sync_folder, writing
from zoo.runs import run_folder


@contextlib.contextmanager
def staged(folder: Path, architecture: str) -> Iterator[Path]:
    """Give a new run folder to be filled; it is in `folder` once the block ended without error.

    It has its name from the start, in a hidden folder: what a killed process left there is no run,
    and is removed later.

    Raises:
        NotWritten: it cannot be made.
    """
    hidden = folder / leftovers.new_name()
    try:
        with locks.in_turn(folder), writing(hidden):
            leftovers.sweep_once(folder)
            begun = {path.name for path in folder.glob(f"{leftovers.PREFIX}*/*")}
            taken = begun | {path.name for path in folder.iterdir()}
            name = next(name for name in run_folder.names(architecture) if name not in taken)
            (hidden / name).mkdir(parents=True)
        yield hidden / name
        with writing(folder / name):
            (hidden / name).rename(folder / name)
            sync_folder(folder)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
