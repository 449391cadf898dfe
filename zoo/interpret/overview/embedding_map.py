"""The network's embeddings on a plane: which images it finds alike.

Source: van der Maaten, Hinton, "Visualizing Data using t-SNE", 2008. Distances between far groups
and the sizes of groups mean nothing in such a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.base.explanations import Reference
from zoo.base.types import Sample
from zoo.runs import reference as reference_cases

MOST_POINTS, REFERENCE_POINTS = 2000, 600
COMPONENTS = 50
"""Principal components that t-SNE gets: what is left out is mostly noise."""
PERPLEXITY = 30.0
FEWEST = 10
NEIGHBOURS = 10


@dataclass(frozen=True, eq=False)
class EmbeddingMap:
    """Points on a plane; the evaluated images come first, then reference cases.

    `positions` is `(points, 2)` float32; `labels` and `predicted` are `(points,)` int, the latter
    -1 for reference cases; `refused` is `(points,)` str: '', 'uncertain' or 'unknown'.
    `trustworthiness`, 0 to 1, says how many neighbours on the plane are neighbours to the network.
    """

    positions: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    refused: np.ndarray
    names: tuple[str, ...]
    trustworthiness: float

    @property
    def reference(self) -> np.ndarray:
        """Return `(points,)` bool: whether a point is a case the network was fitted on."""
        return self.predicted < 0

    @property
    def wrong(self) -> np.ndarray:
        """Return `(points,)` bool: whether an evaluated image was answered wrongly."""
        return ~self.reference & (self.predicted != self.labels)

    def to_record(self) -> dict[str, Any]:
        """Return the counts as plain data for JSON."""
        evaluated = ~self.reference
        return {
            "points": len(self.labels),
            "evaluated": int(evaluated.sum()),
            "reference": int(self.reference.sum()),
            "misclassified": int(self.wrong.sum()),
            "refused": int((self.refused != "").sum()),
            "trustworthiness": self.trustworthiness,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all points as arrays without Python objects."""
        return {
            "positions": self.positions,
            "labels": self.labels,
            "predicted": self.predicted,
            "refused": self.refused.astype(np.str_),
            "names": np.array(self.names, np.str_),
        }


def embedding_map(
    embeddings: np.ndarray,
    labels: np.ndarray,
    predicted: np.ndarray,
    refused: Sequence[str],
    names: Sequence[str],
    cases: Reference,
    seed: int = 0,
) -> EmbeddingMap | None:
    """Place the evaluated images, and a sample of reference cases, on a plane.

    `embeddings` is `(n, features)`; all others have n entries. At most 2,000 points, 600 of them
    reference cases where there is no room for more. None with fewer than 10 points or when all
    are the same.
    """
    generator = np.random.default_rng(seed)
    evaluated = len(labels)
    kept = np.arange(evaluated)
    if evaluated > MOST_POINTS:
        kept = np.sort(generator.permutation(evaluated)[:MOST_POINTS])
    known = _sampled(cases, min(REFERENCE_POINTS, MOST_POINTS - len(kept)), seed)
    points = np.concatenate([embeddings[kept], cases.embeddings[known]]).astype(np.float32)
    if len(points) < FEWEST or not np.ptp(points, axis=0).any():
        return None
    positions, trustworthiness = _placed(points, seed)
    nobody = np.full(len(known), -1)
    return EmbeddingMap(
        positions,
        np.concatenate([labels[kept], cases.labels[known]]).astype(int),
        np.concatenate([predicted[kept], nobody]).astype(int),
        np.concatenate([np.asarray(refused, np.str_)[kept], np.full(len(known), "")]),
        tuple(names[row] for row in kept.tolist()) + tuple(cases.names[row] for row in known),
        trustworthiness,
    )


def _sampled(cases: Reference, limit: int, seed: int) -> list[int]:
    samples = [
        Sample(name, int(label), patient)
        for name, label, patient in zip(cases.names, cases.labels, cases.patients, strict=True)
    ]
    return reference_cases.choose_cases(samples, limit, seed) if limit > 0 else []


def _placed(points: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE, trustworthiness
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # the same points on every machine, however many cores it has
        reduced = PCA(min(COMPONENTS, *points.shape), random_state=seed).fit_transform(points)
        perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
        tsne = TSNE(init="pca", perplexity=perplexity, random_state=seed, n_jobs=1)
        positions = tsne.fit_transform(reduced).astype(np.float32)
        neighbours = min(NEIGHBOURS, (len(points) - 1) // 2)
        kept = trustworthiness(points, positions, n_neighbors=neighbours)
    return positions, float(kept)
