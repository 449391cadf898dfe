"""Images a second that networks learn from, in each way to compute, beside a bare Keras `fit`.

    python benchmarks/gpu.py [--quick] [--seconds 230] [--output gpu.json]

*step* is the project's own training step (AdamW, clipped gradients, a running mean of the weights,
a learning rate for each step) and *bare* Keras's with Adam, both on images held in memory.
*training* is the whole of it, with images that are read and changed, in the fastest way. What does
not fit into the time is left out. `--quick` is a trial: pictures of 64 pixels, few steps.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FINE_TUNED, SCRATCH = "fine-tuned", "from scratch"
CASES = (
    ("efficientnet", FINE_TUNED, {}),
    ("efficientnet", SCRATCH, {"weights": "none"}),
    ("scratch", SCRATCH, {}),
    ("mnist", SCRATCH, {}),
    ("alexnet", SCRATCH, {}),
)


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    steps: int
    batch: int | None = None
    side: int | None = None


FULL, QUICK = Size(30), Size(2, 8, 64)


class Subject:
    """A network with its recipe, and images that it can learn from."""

    def __init__(self, name: str, how: str, options: dict[str, Any], size: Size) -> None:
        from zoo.base.progress import SILENT
        from zoo.base.registry import load_registry
        from zoo.training.plan import Plan, build, exact_layers, unfreeze
        from zoo.training.recipe import settings

        self.name, self.how, self.steps, self.progress = name, how, size.steps, SILENT
        architecture = load_registry().architecture(name)
        changes = {**options, **({"batch_size": size.batch} if size.batch else {})}
        self.recipe, chosen = settings(architecture, changes)
        shape = architecture.input_shape
        shape = shape if size.side is None else (size.side, size.side, shape[2])
        plan = Plan(architecture, self.recipe, chosen, shape, "", None, False)
        self.network = build(plan, 2)
        self.exact = exact_layers(plan, 2)
        if how == FINE_TUNED:
            unfreeze(self.network)
        elif name == "efficientnet":
            for layer in self.network.layers:
                layer.trainable = True
        random = np.random.default_rng(0)
        count = self.recipe.batch_size * size.steps
        self.pixels = random.integers(0, 256, (count, *shape), np.uint8)
        self.labels = np.arange(count) % 2

    def step(self, way: Any) -> float:
        """Return images a second of the project's own step."""
        from zoo.network.copying import copied
        from zoo.training.bench import Bench
        from zoo.training.trainer import Phase, compile_model

        bench = Bench(copied(self.network), replace(way, exact=self.exact))
        with bench.scope():
            compile_model(bench, self.recipe, Phase("measured", 1, 1e-3), self.steps)
        return self._fitted(bench.model)

    def bare(self, way: Any) -> float:
        """Return images a second of a bare Keras training."""
        import keras

        from zoo.network.copying import copied
        from zoo.training.bench import Bench

        plain = Bench(copied(self.network), replace(way, xla=False, exact=self.exact)).model
        plain.compile(
            "adam",
            keras.losses.CategoricalCrossentropy(from_logits=True),
            jit_compile=way.xla,
        )
        return self._fitted(plain)

    def training(self, way: Any, folder: Path) -> float:
        """Return images a second of whole epochs: read from a file, changed, and learned from."""
        from zoo.base.registry import load_registry
        from zoo.data.verify import verify
        from zoo.network.copying import copied
        from zoo.training.bench import Bench
        from zoo.training.inputs import PixelInputs
        from zoo.training.trainer import Phase, compile_model

        path = folder / f"{self.name}-{self.how}.npz".replace(" ", "-")
        few = max(4, len(self.labels) // 10)
        parts = {"train": slice(None), "val": slice(few), "test": slice(few)}
        arrays = {}
        for number, (part, rows) in enumerate(parts.items()):
            arrays[f"{part}_images"] = self.pixels[rows] ^ np.uint8(number)  # no two are identical
            arrays[f"{part}_labels"] = self.labels[rows, None]
        np.savez(path, **arrays)
        dataset = load_registry().dataset(str(path))
        verified = verify(dataset, skip_broken=False, progress=self.progress)
        train = [sample for sample in dataset.samples if sample.split == "train"]
        bench = Bench(copied(self.network), replace(way, exact=self.exact))
        inputs = PixelInputs(
            bench.network, dataset, train, train[:4], verified.digests, None, self.recipe
        )
        with bench.scope():
            compile_model(bench, self.recipe, Phase("measured", 1, 1e-3), inputs.steps)
        seconds = []
        for epoch in range(2):
            began = time.perf_counter()
            bench.model.fit(inputs.training(epoch), verbose=0, shuffle=False)
            seconds.append(time.perf_counter() - began)
        return inputs.steps * self.recipe.batch_size / seconds[1]

    def _fitted(self, model: Any) -> float:
        import tensorflow as tf

        rows = (
            self.pixels.astype(np.float32),
            np.eye(2, dtype=np.float32)[self.labels],
            np.ones(len(self.labels), np.float32),
        )
        batches = tf.data.Dataset.from_tensor_slices(rows).batch(self.recipe.batch_size).prefetch(2)
        seconds = []
        for _ in range(2):  # the first one compiles
            began = time.perf_counter()
            model.fit(batches, verbose=0, shuffle=False)
            seconds.append(time.perf_counter() - began)
        return len(self.labels) / seconds[1]


def measure(size: Size, deadline: float) -> dict[str, Any]:
    """Return all that was measured before the deadline, as plain data."""
    import tensorflow as tf

    from zoo.base.environment import versions
    from zoo.base.recipe import BFLOAT16, FLOAT16, FLOAT32
    from zoo.training import devices
    from zoo.training.choosing import fastest
    from zoo.training.execution import Execution

    device = devices.available()[0]
    card = device.startswith("GPU")
    sixteen = BFLOAT16 if not card or devices.has_bfloat16(device) else FLOAT16
    ways = [
        Execution(kind, xla, devices=(device,))
        for kind in (FLOAT32, sixteen)
        for xla in ((False, True) if card else (False,))
    ]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, how, options in CASES:
            if time.monotonic() > deadline:
                break
            subject, speeds = Subject(name, how, options, size), {}
            known = {"architecture": name, "training": how, "batch": subject.recipe.batch_size}
            for way in ways:
                row = {**known, "precision": way.precision, "xla": way.xla}
                for column in ("step", "bare"):
                    row[column] = _tried(getattr(subject, column), way, deadline=deadline)
                if row["step"]:
                    speeds[way.name] = row["step"]
                rows.append(row)
            best = fastest(ways, speeds)
            whole = _tried(subject.training, best, Path(folder), deadline=deadline)
            rows.append(
                {**known, "precision": best.precision, "xla": best.xla, "whole training": whole}
            )
    return {
        "device": device,
        "name": devices.description(device),
        "cores": os.cpu_count(),
        "versions": {**versions(), "cuda": str(tf.sysconfig.get_build_info().get("cuda_version"))},
        "images per second": rows,
    }


def _tried(measured: Any, *arguments: Any, deadline: float) -> float | None:
    if time.monotonic() > deadline:
        return None
    try:
        return round(float(measured(*arguments)), 1)
    except Exception as error:  # one way that fails must not hide the others
        print(f"{measured.__name__} {arguments[0].name}: {error}"[:300], file=sys.stderr)
        return None


def table(result: dict[str, Any]) -> str:
    """Return what was measured as lines of text; '-' was not."""
    lines = [
        f"{result['name']} ({result['device']}), {result['cores']} cores; images a second",
        f"{'':28}{'precision':16}{'XLA':5}{'bare':>10}{'step':>10}{'training':>10}",
    ]
    for row in result["images per second"]:
        figures = (row.get(column) for column in ("bare", "step", "whole training"))
        told = "".join(f"{'-' if one is None else f'{one:,.0f}':>10}" for one in figures)
        title = f"{row['architecture']}, {row['training']}"
        lines.append(f"{title:28}{row['precision']:16}{'on' if row['xla'] else 'off':5}{told}")
    return "\n".join(lines)


def main() -> None:
    """Measure, print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a trial, small and short")
    parser.add_argument("--seconds", type=float, default=230, help="nothing is begun afterwards")
    parser.add_argument("--output", type=Path, default=Path("gpu.json"))
    arguments = parser.parse_args()
    deadline = time.monotonic() + arguments.seconds
    result = measure(QUICK if arguments.quick else FULL, deadline)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(table(result))


if __name__ == "__main__":
    main()
