"""Where the trainings of comparisons and learning curves are kept, to be shared and resumed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo import runs
from zoo.cells import Cell
from zoo.progress import Progress
from zoo.registry import Registry
from zoo.sources import parse
from zoo.verification import Verified, verify

FOLDER = "experiments"


def opened(registry: Registry, source: str, skip_broken: bool, progress: Progress) -> Verified:
    """Open and verify a data set, telling what its reader notes."""
    dataset = registry.dataset(source)
    for note in dataset.notes:
        progress.note(note)
    return verify(dataset, skip_broken=skip_broken, progress=progress)


def experiment_folder(folder: str | Path | None, cell: Cell, verified: Verified) -> Path:
    """Return the folder for trainings on the same data with the same settings.

    Architectures, seeds, folds and shares are told apart inside it, so that what one comparison
    or learning curve has trained, another finds.
    """
    content = repr(
        (verified.fingerprint, cell.settings, cell.input_shape, cell.positive, cell.folds)
    )
    key = hashlib.blake2b(content.encode(), digest_size=4).hexdigest()
    return runs.root(folder) / FOLDER / f"{Path(parse(cell.source)[0]).name}-{key}"
