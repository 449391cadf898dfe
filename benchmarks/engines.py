"""What each engine takes for an answer, side by side in one run, and how far it is from the limit.

    python benchmarks/engines.py [--run RUN] [--architecture NAME ...] [--images FOLDER]
                                 [--figure PATH]

RUN is a finished run folder. Without one the networks are those of the architectures named
(default: all of this package), untrained, each within a frame that cuts to the lungs, as a training
makes them. Pictures are noise: what is measured does not depend on what they show.

The engines are asked in turns, so that all meet the same; of ROUNDS the fastest counts, for
whatever else a machine does makes it slower. `cpu-ms` is time of all processors for an image, `off`
the largest difference to Keras in a probability, an edge of a box or, as a share of the largest, a
logit or a feature. `of the limit` is the multiply-adds of the network's convolutions and matrix
products in a second of processor time, as a share of those of a large matrix product by NumPy in a
second of processor time, on the same processors in the same run.

With RUN and --images, `zoo.predict` is timed on the files of a folder, by Keras and by the engine
that was the fastest, beside reading them alone and Keras's own `predict` on what was read.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from zoo.network.classifier import TrainedClassifier
from zoo.network.cost import multiply_adds
from zoo.network.engines.answering import BOX, EMBEDDING, LOGITS, answering
from zoo.network.engines.engine import ENGINES, compiled
from zoo.network.engines.folded import folded_call
from zoo.network.engines.preparing import disagreement
from zoo.network.export_formats import FORMATS, ExportedNetwork

ARCHITECTURES = ("efficientnet", "alexnet", "scratch", "mnist")
BATCHES = (1, 32)
ROUNDS, SIDE = 5, 2048
FEWEST = 0.3
"""Seconds of a round at least: a call is repeated so often."""
COARSE = frozenset({"OpenVINO, bfloat16", "Keras, bfloat16"})
"""No engines of `zoo`: their answers are farther off than is allowed."""


@dataclass(frozen=True)
class Row:
    """What one engine took for an image of one network at one batch size."""

    network: str
    engine: str
    batch: int
    seconds: float
    cpu: float
    off: float
    limit: float


def peak() -> float:
    """Return the multiply-adds of a large matrix product in a second of processor time."""
    one = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    one @ one
    return SIDE**3 / min(timed(lambda: one @ one)[1] for _ in range(3))


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Return seconds, and seconds of all processors, of a call; short ones are repeated."""
    calls, begun, used = 0, time.perf_counter(), time.process_time()
    while not calls or time.perf_counter() - begun < FEWEST:
        call()
        calls += 1
    return (time.perf_counter() - begun) / calls, (time.process_time() - used) / calls


def untrained(name: str) -> TrainedClassifier:
    """Build a network that nobody trained, in its frame."""
    import keras

    from zoo.base.registry import load_registry
    from zoo.network import frame, localiser

    keras.utils.set_random_seed(0)
    architecture = load_registry().architecture(name)
    inner = architecture.build(architecture.input_shape, 2)
    return TrainedClassifier(frame.framed(inner, localiser.lungs()), ("NORMAL", "PNEUMONIA"), 1)


def engines(classifier: TrainedClassifier, folder: Path) -> Iterator[tuple[str, ExportedNetwork]]:
    """Yield what is installed, opened with the network; what is not is told."""
    network = answering(classifier.model)
    yield "Keras", in_keras(classifier)
    if quick := folded_call(classifier):
        yield "Keras, folded", quick
    yield "Keras, bfloat16", in_keras(coarse(classifier))
    FORMATS["savedmodel"].write(network, folder / "model")
    yield "SavedModel", FORMATS["savedmodel"].open(folder / "model")
    names = {"onnx": "ONNX Runtime", "openvino": "OpenVINO", "litert": "LiteRT"}
    for name, engine in ENGINES.items():
        if engine.missing:
            print(f"{names[name]} is left out: {' and '.join(engine.missing)} not installed")
            continue
        path = folder / engine.form.file
        begun = time.process_time()
        if not path.exists():
            engine.form.write(network, path)
            print(f"converting to {path.name}: {time.process_time() - begun:.1f} cpu-s", flush=True)
        yield names[name], engine.open(path)
        if name == "openvino":
            import openvino

            yield "OpenVINO, bfloat16", compiled(openvino.Core(), path, "bf16")


def in_keras(classifier: TrainedClassifier) -> ExportedNetwork:
    """Give the answers of a classifier by name."""

    def call(pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        return dict(zip((LOGITS, EMBEDDING, BOX), classifier.answers(pixels), strict=True))

    return call


def coarse(classifier: TrainedClassifier) -> TrainedClassifier:
    """Return the network with all but its frame computing in bfloat16."""
    from zoo.network.copying import copied
    from zoo.network.graph import FRAME

    def changed(layer: Any, config: dict[str, Any]) -> dict[str, Any]:
        fine = layer.name.startswith(FRAME) or "dtype" not in config
        return config if fine else {**config, "dtype": "mixed_bfloat16"}

    model = copied(classifier.model, changed)
    return TrainedClassifier(
        model, classifier.class_names, classifier.positive, classifier.temperature
    )


def networks(
    run: Path | None, architectures: Sequence[str]
) -> Iterator[tuple[str, TrainedClassifier]]:
    """Yield the network of a run, or those of architectures, with their names."""
    if run is None:
        yield from ((name, untrained(name)) for name in architectures)
        return
    from zoo.runs import model_file, run_folder

    opened = run_folder.open_run(run)
    yield opened.record["architecture"], model_file.load_classifier(opened)


def rows(name: str, classifier: TrainedClassifier) -> Iterator[Row]:
    """Measure all engines on one network."""
    random = np.random.default_rng(0)
    whole = random.integers(0, 256, (max(BATCHES), *classifier.input_shape)).astype(np.float32)
    wanted, least = classifier.answers(whole), multiply_adds(classifier.model)
    with tempfile.TemporaryDirectory() as folder:
        calls = dict(engines(classifier, Path(folder)))
        off = {
            engine: disagreement(call(whole), wanted, classifier.temperature)
            for engine, call in calls.items()
        }
        best = peak()
        print(f"\n{name}: {least / 1e9:.3f} G multiply-adds an image; {best / 1e9:.1f} G a cpu-s")
        for batch in BATCHES:
            pixels = whole[:batch]
            found: dict[str, list[tuple[float, float]]] = {engine: [] for engine in calls}
            for _ in range(ROUNDS):
                for engine, call in calls.items():
                    found[engine].append(timed(lambda call=call, p=pixels: call(p)))  # type: ignore[misc]
            for engine, times in found.items():
                seconds, cpu = (min(column) / batch for column in zip(*times, strict=True))
                yield Row(name, engine, batch, seconds, cpu, off[engine], least / best / cpu)


def table(found: Sequence[Row]) -> str:
    """Write rows as a table."""
    lines = [
        f"{'engine':<20} {'batch':>5} {'images/s':>9} {'cpu-ms':>8} {'off':>8} {'of the limit':>13}"
    ]
    lines += [
        f"{row.engine:<20} {row.batch:>5} {1 / row.seconds:>9.1f} {1000 * row.cpu:>8.2f} "
        f"{row.off:>8.0e} {row.limit:>13.0%}"
        for row in found
    ]
    return "\n".join(lines)


def figure(found: Sequence[Row], path: Path) -> None:
    """Draw the processor time of an image."""
    from zoo.report.style import INK, MUTED, SERIES, dress, new_figure

    found = [row for row in found if row.engine not in COARSE]
    groups = list(dict.fromkeys((row.network, row.batch) for row in found))
    names = list(dict.fromkeys(row.engine for row in found))
    drawing = new_figure(0.6 + 0.24 * (len(found) + len(groups)))
    axes = drawing.add_subplot()
    dress(axes, "processor time of an image, ms")
    axes.grid(visible=False, axis="y")
    place = -1
    for network, batch in groups:
        place += 1
        told = "one image alone" if batch == 1 else f"{batch} images at a time"
        axes.annotate(f"{network}, {told}", (0, place), va="center", fontsize=9, color=MUTED)
        for row in (row for row in found if (row.network, row.batch) == (network, batch)):
            place, value = place + 1, 1000 * row.cpu
            axes.barh(place, value, 0.8, color=SERIES[names.index(row.engine)])
            label = f" {row.engine}  {value:.1f}"
            axes.annotate(label, (value, place), va="center", fontsize=8, color=INK)
    axes.set(yticks=[], ylim=(place + 0.7, -0.7))
    axes.set_xlim(0, 1.3 * max(1000 * row.cpu for row in found))
    drawing.savefig(path, dpi=110)


def files(run: Path, folder: Path) -> None:
    """Print what it takes to answer to the files of a folder, and what reading them takes."""
    import zoo
    from zoo.data import queries
    from zoo.network.engines.engine import AUTO, KERAS
    from zoo.runs import engine_choice, model_file

    opened = zoo.open_run(run)
    found = queries.find_images([folder])
    engine_choice.classifier_of(opened, AUTO, engine_choice.WORTHWHILE)  # converts, if it did not
    classifier = model_file.load_classifier(opened)
    shape = classifier.input_shape

    def read() -> list[np.ndarray]:
        batches = queries.read_images(found, shape, "", max(BATCHES), bits=opened.bits)
        return [images.pixels for images, _ in batches if images is not None]

    pixels = np.concatenate(read()).astype(np.float32)
    classifier.model.predict(pixels[: max(BATCHES)], verbose=0)
    ways: dict[str, Callable[[], object]] = {
        "reading alone": read,
        "Keras's predict, on what was read": lambda: classifier.model.predict(
            pixels, max(BATCHES), verbose=0
        ),
        "Keras's predict, and reading": lambda: classifier.model.predict(
            np.concatenate(read()).astype(np.float32), max(BATCHES), verbose=0
        ),
        "zoo.predict, --engine keras": lambda: list(zoo.predict(found, opened, engine=KERAS)),
        "zoo.predict, --engine auto": lambda: list(zoo.predict(found, opened, engine=AUTO)),
    }
    print(f"\n{len(found)} files of {folder.name}, {opened.record['architecture']}")
    for name, call in ways.items():
        begun, used = time.perf_counter(), time.process_time()
        call()
        seconds, cpu = time.perf_counter() - begun, time.process_time() - used
        print(
            f"{name:<36} {len(found) / seconds:8.1f} images/s "
            f"{1000 * cpu / len(found):8.2f} cpu-ms",
            flush=True,
        )


def main() -> None:
    """Print a table for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="a finished run folder")
    parser.add_argument("--architecture", action="append", choices=ARCHITECTURES)
    parser.add_argument("--images", type=Path, help="a folder of image files, for the run")
    parser.add_argument("--figure", type=Path, help="where to draw the processor times")
    arguments = parser.parse_args()
    found: list[Row] = []
    for name, classifier in networks(arguments.run, arguments.architecture or ARCHITECTURES):
        measured = list(rows(name, classifier))
        print(table(measured), flush=True)
        found += measured
    if arguments.figure and found:
        figure(found, arguments.figure)
    if arguments.run and arguments.images:
        files(arguments.run, arguments.images)


if __name__ == "__main__":
    main()
