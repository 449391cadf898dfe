"""How much faster two workers of one thread are than one, and what killing one of them costs.

    python benchmarks/cluster.py [--images 1024] [--only verify features compare killed]

What is timed begins when all workers have loaded TensorFlow. Images are generated PNGs of 512 x
512. `verify` is the reading of `zoo check` (decoding, digests, headers, small pictures, borders),
`features` fills the cache of a pretrained backbone, `compare` trains four small cells. Efficiency
is the time of one worker over twice that of two. `killed` ends one of two workers in the middle of
the features and counts the rows that were written twice.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package
for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[name] = "1"  # of this process and of the workers that it starts

SIDE = 512
WARMING = 64
"""Images by which every worker loads the backbone, which takes as long as hundreds."""


@dataclass(frozen=True)
class Bench:
    """What work is given: the folder of images, an empty cache, and the workers."""

    data: str
    cache: Path
    cluster: Any
    local: Any


def make(folder: Path, images: int) -> None:
    """Write radiograph-like PNGs in two classes, no two alike."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    rows = np.linspace(0, 1, SIDE)
    for number in range(images):
        path = folder / ("NORMAL", "PNEUMONIA")[number % 2] / f"{number:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        shade = 90 + 80 * np.outer(np.sin(3 * rows + number), np.cos(2 * rows))
        pixels = shade + random.normal(0, 6, (SIDE, SIDE))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, compress_level=1)


@contextmanager
def workers(number: int) -> Iterator[Any]:
    """Give a cluster of so many processes of one thread, each of which has loaded TensorFlow."""
    from distributed import LocalCluster

    from zoo.base.cluster import connected

    with (
        LocalCluster(
            n_workers=number, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as local,
        connected(local.scheduler_address) as cluster,
    ):
        yield local, cluster


def warmed(local: Any) -> None:
    """Load TensorFlow in every worker: it takes as long as some hundred images."""
    from distributed import Client

    with Client(local.scheduler_address, set_as_default=False) as client:
        client.run(_load)


def _load() -> None:
    import keras
    import tensorflow as tf

    tf.constant(0)
    keras.utils.set_random_seed(0)


def verify(bench: Bench) -> float:
    """Do the reading of a check."""
    from zoo.base.progress import SILENT
    from zoo.base.registry import load_registry
    from zoo.checks import inventory, similarity
    from zoo.data.baseline_inputs import baseline_inputs
    from zoo.data.verify import verify

    began = time.perf_counter()
    checked = verify(
        load_registry().dataset(bench.data),
        skip_broken=False,
        progress=SILENT,
        cluster=bench.cluster,
    )
    dataset = checked.dataset
    inventory.headers(dataset, dataset.samples, SILENT, bench.cluster)
    similarity.small_pictures(dataset, dataset.samples, SILENT, bench.cluster)
    baseline_inputs(dataset, dataset.samples, cluster=bench.cluster)
    return time.perf_counter() - began


def features(bench: Bench, progress: Any = None) -> float:
    """Fill a cache of features, once all workers have loaded the backbone by some images."""
    from zoo.base.progress import SILENT
    from zoo.base.registry import load_registry
    from zoo.checks.embeddings import backbone
    from zoo.network.features import features

    os.environ["ZOO_CACHE"] = str(bench.cache)
    registry = load_registry()
    dataset = registry.dataset(bench.data)
    pretrained = backbone(registry)
    if pretrained is None:
        raise SystemExit("No pretrained backbone is installed.")
    digests = [dataset.digest(sample) for sample in dataset.samples]

    def fill(count: int | None, told: Any) -> float:
        began = time.perf_counter()
        features(
            pretrained.model,
            dataset,
            dataset.samples[:count],
            digests[:count],
            progress=told,
            cluster=bench.cluster,
        )
        return time.perf_counter() - began

    fill(WARMING, SILENT)
    return fill(None, progress or SILENT)


def compare(bench: Bench) -> float:
    """Train four cells of a small network."""
    from zoo import compare

    began = time.perf_counter()
    compare(
        ["scratch"],
        "phantom?images=200&size=96",
        folds=4,
        changes={"epochs": 4},
        input_shape=(96, 96, 3),
        folder=bench.cache / "runs",
        backend="dask",
        scheduler=bench.local.scheduler_address,
    )
    return time.perf_counter() - began


def efficiency(work: Callable[[Bench], float], data: str, room: Path) -> dict[str, float]:
    """Time the work with one worker and with two."""
    seconds = {}
    for number in (1, 2):
        with workers(number) as (local, cluster):
            warmed(local)
            room_of = room / f"{work.__name__}{number}"
            seconds[number] = work(Bench(data, room_of, cluster, local))
    return {
        "one": round(seconds[1], 1),
        "two": round(seconds[2], 1),
        "efficiency": round(seconds[1] / (2 * seconds[2]), 2),
    }


def killed(data: str, room: Path) -> dict[str, int]:
    """End a worker after the first task that is done; count rows that were written twice."""
    import numpy as np

    from zoo.base.progress import Silent

    with workers(2) as (local, cluster):
        warmed(local)
        victim = next(iter(local.workers.values())).pid

        class Killer(Silent):
            done = 0

            def advance(self, steps: int = 1) -> None:
                self.done += bool(steps)
                if self.done == 2:
                    os.kill(victim, 9)

        killer = Killer()
        features(Bench(data, room / "killed", cluster, local), killer)
    keys = [
        key
        for path in (room / "killed").rglob("*.index.npz")
        for key in np.load(path)["keys"].tolist()
    ]
    return {"tasks": killer.done, "rows": len(set(keys)), "rows_twice": len(keys) - len(set(keys))}


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--only", nargs="+", default=["verify", "features", "compare", "killed"])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        make(room / "data", asked.images)
        os.environ["ZOO_CACHE"] = str(room / "cache")
        for name in asked.only:
            if name == "killed":
                told: Any = killed(str(room / "data"), room)
            else:
                work = {"verify": verify, "features": features, "compare": compare}[name]
                told = efficiency(work, str(room / "data"), room)
            print(json.dumps({name: told}), flush=True)


if __name__ == "__main__":
    main()
