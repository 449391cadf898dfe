"""How many images a second a network learns from, computed in one way or another on this device.

What was measured is kept in the cache folder, by device, versions and network, and read the next
time.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.cache import cache_folder
from zoo.base.environment import versions
from zoo.base.errors import NotWritten
from zoo.base.files import write_json
from zoo.base.progress import Progress
from zoo.base.recipe import Recipe
from zoo.network.copying import copied
from zoo.training.bench import Bench
from zoo.training.devices import description
from zoo.training.execution import Execution
from zoo.training.trainer import Phase, compile_model

STEP_SECONDS = 1.0
"""In which steps of one way are counted, at least `FEWEST` and at most `MOST` of them."""
FEWEST, MOST = 3, 50
SECONDS = 20.0
"""After which no other way is tried, the time to compile included."""


def measured(
    network: Any,
    recipe: Recipe,
    ways: Sequence[Execution],
    progress: Progress,
) -> dict[str, float]:
    """Return images a second of each way that works, by its name, the first in any case.

    `network` keeps its weights.
    """
    path = cache_folder() / "speeds" / f"{_key(network, recipe, ways)}.json"
    known = _read(path, ways)
    if known is None:
        known = _measure(network, recipe, ways, progress)
        if not known:  # memory was short, perhaps: the next training tries again
            return known
        try:
            write_json(path, {"images_per_second": known})
        except NotWritten as error:
            progress.note(f"How fast this device is will be measured again: {error}")
    return known


def images_per_second(bench: Bench, batch_size: int, seconds: float = STEP_SECONDS) -> float:
    """Return how many images a second the compiled model of a bench learns from, held in memory."""
    import tensorflow as tf

    network, random = bench.network, np.random.default_rng(0)
    shape = (batch_size, *network.input_shape[1:])
    classes = network.output_shape[-1]
    pixels = tf.constant(random.integers(0, 256, shape).astype(np.float32))
    targets = tf.constant(np.eye(classes, dtype=np.float32)[np.arange(batch_size) % classes])
    batch = (pixels, targets, tf.ones(batch_size))

    def step() -> float:
        began = time.perf_counter()
        bench.model.train_on_batch(*batch)  # returns numbers, so what was asked for is done
        return time.perf_counter() - began

    step()  # compiles
    taken: list[float] = []
    while len(taken) < FEWEST or (sum(taken) < seconds and len(taken) < MOST):
        taken.append(step())
    return float(batch_size / np.median(taken))


def _measure(
    network: Any, recipe: Recipe, ways: Sequence[Execution], progress: Progress
) -> dict[str, float]:
    began, speeds = time.monotonic(), dict[str, float]()
    progress.start("measuring ways to compute", len(ways))
    try:
        for way in ways:
            if speeds and time.monotonic() - began > SECONDS:
                break
            try:
                bench = Bench(copied(network), way)
                with bench.scope():
                    compile_model(bench, recipe, Phase("measured", 1, recipe.learning_rate), 1)
                speeds[way.name] = round(images_per_second(bench, recipe.batch_size), 1)
            except Exception:  # a layer may know no 16 bits or no XLA: that way is none
                if way is ways[0]:
                    break
            progress.advance()
    finally:
        progress.stop()
    return speeds


def _read(path: Path, ways: Sequence[Execution]) -> dict[str, float] | None:
    try:
        known = json.loads(path.read_text("utf-8"))["images_per_second"]
        speeds = {str(name): float(speed) for name, speed in known.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return speeds if speeds and set(speeds) <= {way.name for way in ways} else None


def _key(network: Any, recipe: Recipe, ways: Sequence[Execution]) -> str:
    """Identify device, versions, network without its weights, and what is tried on them."""
    layers = [
        (type(layer).__name__, str(layer.output.shape), layer.trainable, layer.count_params())
        for layer in network.layers
    ]
    content: Mapping[str, Any] = {
        "devices": [description(name) for name in ways[0].devices],
        "processor": [platform.processor(), platform.machine(), os.cpu_count()],
        "threads": os.environ.get("TF_NUM_INTRAOP_THREADS", ""),
        "versions": sorted(versions().items()),
        "layers": layers,
        "batch": [recipe.batch_size, network.input_shape[1:]],
        "ways": [way.name for way in ways],
    }
    return hashlib.blake2b(repr(content).encode(), digest_size=8).hexdigest()
