"""Files of a data set that were changed after they had been read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from zoo.base.errors import BadInput
from zoo.base.remote import present
from zoo.base.types import Dataset, Sample

Stamp = tuple[int, int]
"""Size in bytes, and time of the last change in nanoseconds."""


def stamp(dataset: Dataset, sample: Sample) -> Stamp | None:
    """Return the stamp of an image's file; None when it has no file of its own."""
    return None if dataset.path is None else stamp_of(dataset.path(sample))


def changed(dataset: Dataset, digests: Mapping[str, str], stamps: Mapping[str, Stamp]) -> list[str]:
    """Return the names of images whose files have another content now, or are gone.

    Only files of another size or time are read again, so that this costs next to nothing.
    """
    path = dataset.path
    if path is None:
        return []
    return [
        sample.name
        for sample in dataset.samples
        if sample.name in stamps
        and stamp_of(path(sample)) != stamps[sample.name]
        and _digest(dataset.digest, sample) != digests[sample.name]
    ]


def stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of a file; None when it is not there."""
    try:
        status = present(path).stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _digest(digest: Callable[[Sample], str], sample: Sample) -> str:
    try:
        return digest(sample)
    except BadInput:
        return ""
