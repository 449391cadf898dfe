"""Is everything here that is needed, and does it work? What to mend, where it does not."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.base import cache, formats
from zoo.base.displayed import Tabled
from zoo.base.errors import ZooError, in_a_line
from zoo.base.formats import BrokenFormat
from zoo.base.listeners import listener
from zoo.base.progress import Progress
from zoo.base.registry import BrokenPlugin, Registry, load_registry
from zoo.base.strangers import is_own
from zoo.checks.findings import counted
from zoo.runs import run_folder

PACKAGE = "xray-zoo"
OK, NOTE, BROKEN = "ok", "note", "broken"
EXTRAS_OF_DEVELOPERS = frozenset({"dev", "docs", "test"})
SIDE = 64
FEWEST_IMAGES = 10
FEW_BYTES = 2 * 2**30
"""With less free space than this, a training of some thousand pictures cannot be kept."""


@dataclass(frozen=True, repr=False)
class Examined(Tabled):
    """One thing that was looked at: 'ok', a 'note', or 'broken' with what mends it."""

    name: str
    status: str
    found: str
    remedy: str = ""

    def row(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def doctor(
    *,
    self_test: bool = True,
    folder: str | Path | None = None,
    registry: Registry | None = None,
    progress: Progress | None = None,
) -> list[Examined]:
    """Look at packages, plugins, folders and devices, and try the smallest network.

    `folder` is where runs are kept (default: ZOO_RUNS or `runs`). The `self_test` builds a network,
    saves and loads it, and explains a synthetic image; it takes about ten seconds, most of them for
    the import of TensorFlow.

    Example:
        >>> [one.name for one in zoo.doctor(self_test=False)][:3]
        ['python', 'packages', 'extras']
    """
    progress = listener(progress)
    registry = registry or load_registry()
    steps: list[Callable[[], Examined]] = [
        _python,
        _packages,
        _extras,
        lambda: _plugins(registry),
        _machine,
        _cache,
        lambda: _runs(run_folder.root(folder)),
    ]
    if self_test:
        steps += [_devices, lambda: _tried(registry)]
    progress.start("examining", len(steps))
    examined = []
    try:
        for step in steps:
            examined.append(step())
            progress.advance()
    finally:
        progress.stop()
    return examined


def _python() -> Examined:
    wanted = importlib.metadata.metadata(PACKAGE)["Requires-Python"]
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if _allows(wanted, platform.python_version()):
        return Examined("python", OK, found)
    return Examined("python", BROKEN, f"{found}; {wanted} is needed", "Install a newer Python.")


def _packages() -> Examined:
    wanting = [told for _, told in _unmet("")]
    zoo = f"{PACKAGE} {importlib.metadata.version(PACKAGE)}"
    if not wanting:
        main = ("tensorflow", "keras", "numpy")
        versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in main)
        return Examined("packages", OK, f"{zoo}, {versions}")
    return Examined(
        "packages", BROKEN, f"{zoo} lacks {', '.join(wanting)}", f"pip install --upgrade {PACKAGE}"
    )


def _extras() -> Examined:
    told = importlib.metadata.metadata(PACKAGE).get_all("Provides-Extra") or []
    extras = [name for name in told if name not in EXTRAS_OF_DEVELOPERS]
    lacking = {name: [package for package, _ in _unmet(name)] for name in extras}
    missing = {name: packages for name, packages in lacking.items() if packages}
    present = ", ".join(name for name in extras if name not in missing) or "none"
    if not missing:
        return Examined("extras", OK, f"installed: {present}")
    absent = "; ".join(f"{name} (lacks {', '.join(p)})" for name, p in missing.items())
    wish = f"Only where they are wanted: pip install '{PACKAGE}[{','.join(missing)}]'"
    return Examined("extras", NOTE, f"installed: {present}. Absent: {absent}", wish)


def _unmet(extra: str) -> Iterator[tuple[str, str]]:
    """Yield each package that an extra ('': the project itself) asks for in vain."""
    from packaging.requirements import Requirement

    for line in importlib.metadata.requires(PACKAGE) or []:
        wanted = Requirement(line)
        of_extra = wanted.marker is not None and not wanted.marker.evaluate({"extra": ""})
        asked = wanted.marker is None or wanted.marker.evaluate({"extra": extra})
        if not asked or of_extra != bool(extra) or wanted.name == PACKAGE:
            continue
        try:
            found = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            yield wanted.name, f"{wanted.name}{wanted.specifier}"
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            yield wanted.name, f"{wanted.name}{wanted.specifier} (there is {found})"


def _allows(specifier: str, version: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(version, prereleases=True)


def _plugins(registry: Registry) -> Examined:
    faults: list[BrokenPlugin | BrokenFormat] = [*registry.broken, *formats.broken()]
    broken = [f"{one.name}: {one.reason}" for one in faults]
    from_elsewhere = sorted({o for o in registry.origins.values() if not is_own(o)})
    found = (
        f"{counted(len(registry.architectures), 'architecture')}, "
        f"{counted(len(registry.explainers), 'explanation method')}, "
        f"{counted(len(registry.readers), 'reader')}, "
        f"{counted(len(formats.installed()), 'image format')}"
    )
    if from_elsewhere:
        found += f"; from elsewhere: {', '.join(from_elsewhere)}"
    if not broken:
        return Examined("plugins", OK, found)
    return Examined(
        "plugins",
        BROKEN,
        f"{found}. {' '.join(broken)}",
        "Tell their authors, upgrade them, or uninstall them: nothing else is in their way.",
    )


def _machine() -> Examined:
    import psutil

    memory = psutil.virtual_memory()
    found = (
        f"{_cores()} cores, {memory.total / 2**30:.0f} GB of memory, "
        f"{memory.available / 2**30:.0f} GB free"
    )
    if memory.available > FEW_BYTES:
        return Examined("machine", OK, found)
    return Examined("machine", NOTE, found, "Close other programs: a training takes about 2 GB.")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cache() -> Examined:
    """Look at the folder of what can be made again."""
    sizes = [f"{one.kind} {one.bytes / 2**20:,.0f} MB" for one in cache.survey() if one.files]
    folder = cache.cache_folder()
    return _writable("cache", folder, f"{folder}: {', '.join(sizes) or 'empty'}")


def _runs(folder: Path) -> Examined:
    runs, broken = run_folder.survey(folder)
    done = sum(run.done for run in runs)
    told = f"{folder}: {done} finished, {len(runs) - done} unfinished, {len(broken)} damaged"
    return _writable("runs", folder, told)


def _writable(name: str, folder: Path, told: str) -> Examined:
    there = next(p for p in (folder, *folder.absolute().parents) if p.is_dir())
    free = shutil.disk_usage(there).free
    told += f"; {free / 2**30:,.0f} GB free"
    if not os.access(there, os.W_OK):
        variable = "ZOO_CACHE" if name == "cache" else "ZOO_RUNS"
        return Examined(
            name, BROKEN, f"{told}; it cannot be written to", f"Name another with {variable}."
        )
    if free < FEW_BYTES:
        return Examined(name, NOTE, told, "Make room: trainings and features take some GB.")
    return Examined(name, OK, told)


def _devices() -> Examined:
    try:
        import tensorflow as tf

        cards = tf.config.list_physical_devices("GPU")
    except Exception as error:  # a broken installation fails in any way
        return Examined(
            "tensorflow",
            BROKEN,
            f"it cannot be imported ({in_a_line(error)})",
            f"pip install --force-reinstall tensorflow, then {PACKAGE}",
        )
    told = f"{len(cards)} graphics card{'s' if len(cards) != 1 else ''}"
    return Examined("tensorflow", OK, f"imported; {told if cards else 'no graphics card'}")


def _tried(registry: Registry) -> Examined:
    begun = time.perf_counter()
    try:
        told = _self_test(registry)
    except Exception as error:  # whatever fails here would fail in a training
        remedy = "" if isinstance(error, ZooError) else f"pip install --force-reinstall {PACKAGE}"
        return Examined("self-test", BROKEN, in_a_line(error), remedy)
    return Examined("self-test", OK, f"{told} in {time.perf_counter() - begun:.1f} s")


def _self_test(registry: Registry) -> str:
    """Build the smallest network of this project, use it as a run's, and explain an image."""
    import numpy as np

    from zoo.base.types import Images
    from zoo.interpret.interpreter import options_of, serves
    from zoo.interpret.methods import explained
    from zoo.network import conformance
    from zoo.network.building import build_network
    from zoo.network.classifier import TrainedClassifier

    own = [a for name, a in registry.architectures.items() if is_own(registry.origins[name])]
    architecture = min(own, key=lambda a: a.parameters)
    model = build_network(architecture, input_shape=(SIDE, SIDE, 3))
    conformance.refuse_misfits(conformance.tried(model, elsewhere=False), architecture.name)
    dataset = registry.dataset(f"phantom?images={FEWEST_IMAGES}&size={SIDE}")
    sample = dataset.samples[0]
    pixels = np.array(dataset.read(sample, (SIDE, SIDE)))[None]
    images = Images(pixels, (sample.name,), (sample.patient,), (dataset.digest(sample),))
    classifier = TrainedClassifier(model, dataset.class_names, positive=1)
    methods = registry.explainers.values()
    method = next(e for e in methods if e.default and e.feature_map and serves(e, classifier))
    explained(method, classifier, images, [1], None, options_of([method], {})[method.name])
    return f"'{architecture.name}' was built, saved, loaded and explained by '{method.name}'"
