"""How long choosing known cases takes: all groups of `examples`, and former and other ways.

    python benchmarks/neighbours.py [--cases 5000] [--features 1280] [--queries 100]

One query at a time, the ways in turn, after one that is not counted. The embeddings are made up.
Nothing is timed of the network: an image's embedding is looked up.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

from explain.cases.neighbours import index_of
from explain.examples import explain
from zoo.base.explanations import Reference
from zoo.base.types import Images

SHOWN, VOTING = 5, 15


class Table:
    """Stands for a network with a linear head: an image is the row of its embedding."""

    class_names = ("NORMAL", "PNEUMONIA")
    temperature = 1.0
    feature_layer = None

    def __init__(self, embeddings: np.ndarray) -> None:
        self.table = embeddings
        weights = np.random.default_rng(1).normal(0, 0.05, (embeddings.shape[1], 2))
        self.head = weights.astype(np.float32), np.zeros(2, np.float32)

    def embeddings(self, pixels: np.ndarray) -> np.ndarray:
        """Look the embeddings up."""
        return self.table[pixels[:, 0, 0, 0]]

    def linear_head(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights and the bias."""
        return self.head


def made_up(count: int, features: int, seed: int) -> np.ndarray:
    """Draw embeddings that are never negative, as pooled features are."""
    values = np.random.default_rng(seed).normal(0.2, 1, (count, features))
    return np.maximum(values, 0).astype(np.float32)


def reference_of(cases: int, features: int) -> Reference:
    """Make cases up, three of each patient."""
    embeddings = made_up(cases, features, 0)
    held = made_up(500, features, 3)
    random = np.random.default_rng(2)
    return Reference(
        embeddings=embeddings,
        labels=random.integers(0, 2, cases),
        names=tuple(f"{i}.jpeg" for i in range(cases)),
        patients=tuple(f"p{i // 3}" for i in range(cases)),
        digests=tuple(f"{i:016x}" for i in range(cases)),
        held_embeddings=held,
        held_labels=random.integers(0, 2, len(held)),
    )


def former(reference: Reference, directions: np.ndarray, query: np.ndarray, patient: str) -> Any:
    """Rank all cases and walk through them in Python: similar, contrast and agreement only."""
    distances = 1 - query @ directions.T
    left_out = {i for i, other in enumerate(reference.patients) if other == patient}
    seen: set[str] = set()
    ranked = []
    for index in distances.argsort(kind="stable").tolist():
        digest = reference.digests[index]
        if index not in left_out and digest not in seen:
            seen.add(digest)
            ranked.append((index, float(distances[index])))
    against = [case for case in ranked if reference.labels[case[0]] != 1]
    agreeing = sum(reference.labels[case[0]] == 1 for case in ranked[:VOTING])
    return ranked[:SHOWN], against[:SHOWN], agreeing


def timed(ways: dict[str, Callable[[int], Any]], queries: int) -> dict[str, list[float]]:
    """Return milliseconds of each query by each way, the ways in turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(queries + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way(number)
            if number:
                taken[name].append(1000 * (time.perf_counter() - start))
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--features", type=int, default=1280)
    parser.add_argument("--queries", type=int, default=100)
    chosen = parser.parse_args()
    reference = reference_of(chosen.cases, chosen.features)
    queries = made_up(chosen.queries + 1, chosen.features, 4)
    network, directions = Table(queries), index_of(reference).directions
    units = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    trees = NearestNeighbors(n_neighbors=VOTING, algorithm="brute").fit(directions)
    cosine = NearestNeighbors(n_neighbors=VOTING, algorithm="brute", metric="cosine")
    cosine.fit(reference.embeddings)

    def ours(number: int) -> Any:
        pixels = np.full((1, 1, 1, 1), number, np.int64)
        images = Images(pixels, ("q",), (f"p{number}",), ("q",))
        return explain(network, images, [1], reference)  # type: ignore[arg-type]

    start = time.perf_counter()
    ours(0)
    print(f"{chosen.cases:,} cases of {chosen.features:,} features")
    print(f"made ready once, for all groups: {time.perf_counter() - start:.1f} s")
    ways: dict[str, Callable[[int], Any]] = {
        "all groups of examples": ours,
        "former: full ranking in Python, two groups": lambda number: former(
            reference, directions, units[number], f"p{number}"
        ),
        "one matrix product alone": lambda number: units[number : number + 1] @ directions.T,
        "NearestNeighbors on directions, one group": lambda number: trees.kneighbors(
            units[number : number + 1]
        ),
        "NearestNeighbors, cosine, one group": lambda number: cosine.kneighbors(
            queries[number : number + 1]
        ),
    }
    for name, taken in timed(ways, chosen.queries).items():
        middle = statistics.median(taken)
        print(f"{name:45} median {middle:6.2f} ms, fastest {min(taken):6.2f} ms")


if __name__ == "__main__":
    main()
