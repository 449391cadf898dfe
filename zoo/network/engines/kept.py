"""Converted networks in the cache folder: checked before they are used, made anew when damaged."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from zoo.base.cache import cache_folder
from zoo.base.digests import checksum_of
from zoo.base.errors import BadInput, NotWritten
from zoo.base.files import write_json
from zoo.base.folders import replacing_folder
from zoo.base.progress import Progress
from zoo.network.classifier import TrainedClassifier
from zoo.network.engines import preparing
from zoo.network.engines.engine import Engine
from zoo.network.engines.preparing import Measured
from zoo.network.export_formats import ExportedNetwork

RECORD = "engine.json"
Facts = Mapping[str, str]
"""What a converted network depends on: versions and the processor."""


@dataclass(frozen=True)
class Kept:
    """What is known of an engine for a network; `refused` says why it is not used, if it is not."""

    made_with: Facts
    checksum: int
    refused: str
    measured: Measured


def folder_of(network: str, engine: Engine) -> Path:
    """Return where an engine is kept for a network of that digest."""
    return cache_folder() / "engines" / network / engine.name


def find(folder: Path, facts: Facts) -> Kept | None:
    """Read what is kept; None when there is nothing, it is damaged or was made with others."""
    try:
        record = json.loads((folder / RECORD).read_text("utf-8"))
        measured = Measured(**{k: float(v) for k, v in record.pop("measured").items()})
        kept = Kept(**record, measured=measured)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return kept if kept.made_with == dict(facts) else None


def opened(folder: Path, engine: Engine, kept: Kept) -> ExportedNetwork | None:
    """Open a converted network; None when it is not what was written."""
    path = folder / engine.form.file
    try:
        if checksum_of(path) != kept.checksum:
            return None
        return engine.open(path)
    except Exception:  # each library raises its own kinds
        return None


def make(
    folder: Path,
    engine: Engine,
    facts: Facts,
    classifier: TrainedClassifier,
    pixels: np.ndarray,
    progress: Progress,
) -> tuple[Kept, ExportedNetwork | None]:
    """Convert a network, compare and time it on `pixels`, and keep it where that is possible.

    An engine that cannot be used is kept as that, so that it is not tried again.
    """
    progress.note(f"Converting the network for the engine '{engine.name}', once on this machine.")
    try:
        with replacing_folder(folder) as temporary:
            return _made(temporary, engine, facts, classifier, pixels)
    except NotWritten as error:
        progress.note(f"The converted network is not kept: {error}")
    with _passing() as temporary:
        return _made(temporary, engine, facts, classifier, pixels)


def _made(
    folder: Path, engine: Engine, facts: Facts, classifier: TrainedClassifier, pixels: np.ndarray
) -> tuple[Kept, ExportedNetwork | None]:
    path = folder / engine.form.file
    checksum, refused, call = 0, "", None
    measured = Measured(1.0, 1.0, 1.0)  # of one that is refused nothing is told
    try:
        call = preparing.convert(engine, classifier, path)
        checksum = checksum_of(path)
        found = preparing.measure(call, classifier, pixels)
        preparing.check(found, engine)
        measured = found
    except BadInput as error:
        refused, call = str(error), None
        path.unlink(missing_ok=True)
    kept = Kept(dict(facts), checksum, refused, measured)
    write_json(folder / RECORD, asdict(kept))
    return kept, call


@contextlib.contextmanager
def _passing() -> Iterator[Path]:
    """Give a folder that is gone afterwards: what was opened from it is in memory by then."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="xray-zoo-"))
    except OSError as error:
        raise NotWritten(
            f"No temporary folder can be made for a converted network: {error.strerror}. "
            "Make room, or use --engine keras."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
