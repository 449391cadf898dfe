"""Which library answers with a run's network: Keras, or an engine that was found to agree."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from zoo.base import environment
from zoo.base.digests import digest_bytes
from zoo.base.errors import BadInput
from zoo.base.explanations import Reference
from zoo.base.progress import SILENT, Progress
from zoo.base.quiet_import import quiet_import
from zoo.base.types import Dataset, Sample
from zoo.network.classifier import TrainedClassifier
from zoo.network.engines import engine as engines
from zoo.network.engines import kept
from zoo.network.engines.classifier import EngineClassifier
from zoo.network.engines.engine import AUTO, ENGINES, KERAS, Engine
from zoo.network.engines.folded import folded_call
from zoo.network.engines.kept import Kept
from zoo.network.engines.side_by_side import PART
from zoo.network.export_comparison import sample_pictures
from zoo.network.export_formats import ExportedNetwork
from zoo.runs import model_file, run_folder
from zoo.runs.answering import undecided
from zoo.runs.outputs import Outputs, outputs_of
from zoo.runs.run_folder import Run

WORTHWHILE = 2_000
"""Images from which `auto` measures: fewer would not gain the seconds that converting takes."""
MANY = 1_000
"""Images from which Keras answers by a folded network: making it takes what so many gain."""
PICTURES = 16
"""Images on which an engine is compared with Keras, and timed."""
GAIN = 1.1
"""How many times as fast as Keras an engine is at least that `auto` takes."""


def check(name: str) -> None:
    """Refuse an engine that is unknown, or whose packages are missing, before anything is done.

    Raises:
        UnknownName: there is none of that name.
        InvalidSetting: a package is missing; says how to install it.
    """
    if name not in (AUTO, KERAS):
        engines.named(name).check_packages()


def classifier_of(
    run: Run,
    name: str = AUTO,
    images: int = 0,
    *,
    loaded: TrainedClassifier | None = None,
    progress: Progress = SILENT,
) -> TrainedClassifier | EngineClassifier:
    """Return what answers for a run, by the engine of that name.

    `auto` takes the fastest engine that is kept for this network on this machine and agrees with
    Keras; where none was tried yet and `images` are enough to gain by it, those that are installed
    are tried. Else it takes Keras; of many `images` with batch normalisation folded into what is
    before it. `loaded` is the network in Keras where it is loaded already.

    Raises:
        ZooError: the engine is unknown, missing or answers otherwise, or the run cannot be used.
    """
    check(name)
    source = _Source(run, loaded, progress)
    if name == KERAS:
        return source.in_keras(images)
    if name == AUTO:
        return _automatic(source, images)
    engine = ENGINES[name]
    found, call = source.ready(engine, make=True)
    if found is None or call is None:
        raise BadInput(found.refused if found else f"The engine '{name}' cannot be used.")
    return source.by(call)


def outputs(
    run: Run,
    name: str,
    classifier: TrainedClassifier,
    dataset: Dataset,
    samples: Sequence[Sample],
    cases: Reference,
    point: Mapping[str, Any] | None,
    progress: Progress,
) -> Outputs:
    """Ask a run about the samples by the engine of that name; `classifier` is its network in Keras.

    What the engine gives near a limit of the run, at the operating `point`, is asked again of
    Keras.

    Raises:
        ZooError: as in `classifier_of`, or the network gives what is no number.
    """
    answering = classifier_of(run, name, len(samples), loaded=classifier, progress=progress)
    given = outputs_of(answering, dataset, samples, progress)
    if answering is classifier:
        return given
    near = undecided(run, given, cases, point)
    return given.corrected(near, classifier, dataset, samples)


def _automatic(source: _Source, images: int) -> TrainedClassifier | EngineClassifier:
    tried = [one for one in ENGINES.values() if one.tried and not one.missing]
    if images >= WORTHWHILE:
        for engine in tried:
            if source.find(engine) is None:
                source.make(engine)
    known = [(one, found) for one in ENGINES.values() if (found := source.find(one))]
    known = [(one, found) for one, found in known if not (found.refused or one.missing)]
    for engine, found in sorted(known, key=lambda pair: pair[1].measured.faster, reverse=True):
        if found.measured.faster >= GAIN:
            _, call = source.ready(engine, make=False)
            if call is not None:
                return source.by(call)
    return source.in_keras(images)


class _Source:
    """A run whose network is loaded only when it is needed, and what is kept for it."""

    def __init__(self, run: Run, loaded: TrainedClassifier | None, progress: Progress) -> None:
        self.run, self.progress = run, progress
        self._loaded = loaded
        self._made: dict[str, tuple[Kept, ExportedNetwork | None]] = {}
        self._network = digest_bytes(
            json.dumps([run.record["files"][run_folder.MODEL], run.temperature]).encode()
        )

    def original(self) -> TrainedClassifier:
        """Return the network in Keras."""
        if self._loaded is None:
            with quiet_import():
                self._loaded = model_file.load_classifier(self.run)
        return self._loaded

    def in_keras(self, images: int) -> TrainedClassifier | EngineClassifier:
        """Return the network in Keras, made ready for so many images."""
        original = self.original()
        call = folded_call(original) if images >= MANY else None
        return original if call is None else self.by(call)

    def by(self, call: ExportedNetwork) -> EngineClassifier:
        """Return what answers by an engine that is open."""
        height, width, channels = self.run.record["input_shape"]
        return EngineClassifier(
            call,
            self.original,
            positive=self.run.record["positive"],
            temperature=self.run.temperature,
            input_shape=(height, width, channels),
        )

    def find(self, engine: Engine) -> Kept | None:
        """Return what is known of an engine for this network."""
        if engine.name in self._made:
            return self._made[engine.name][0]
        if engine.missing:
            return None
        return kept.find(kept.folder_of(self._network, engine), self._facts(engine))

    def make(self, engine: Engine) -> tuple[Kept, ExportedNetwork | None]:
        """Convert the network for an engine, and keep it."""
        pixels, _ = sample_pictures(
            None,
            run_folder.load_reference(self.run),
            self.original().input_shape,
            PICTURES,
        )
        folder = kept.folder_of(self._network, engine)
        made = kept.make(
            folder, engine, self._facts(engine), self.original(), pixels, self.progress
        )
        self._made[engine.name] = made
        return made

    def ready(self, engine: Engine, *, make: bool) -> tuple[Kept | None, ExportedNetwork | None]:
        """Open what is kept of an engine; what is damaged or not there is made, where asked."""
        if engine.name in self._made:
            return self._made[engine.name]
        found = self.find(engine)
        call = None
        if found is not None and not found.refused:
            call = kept.opened(kept.folder_of(self._network, engine), engine, found)
        if call is None and make:
            return self.make(engine)
        return found, call

    def _facts(self, engine: Engine) -> dict[str, str]:
        """Return what a converted network and its speed depend on."""
        plugins = {
            origin.plugin.partition(":")[0] for origin in model_file.origins(self.run.record)
        }
        return {
            **environment.versions(),
            **engine.form.versions(),
            **engine.versions(),
            **{name: _version(name) for name in plugins},
            "machine": f"{platform.node()} {platform.machine()}, {os.cpu_count()} processors",
            "part": f"{PART} images a core",
        }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:  # a module that is not installed
        return "unknown"
