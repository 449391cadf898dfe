"""The known cases a network takes for typical of each class, and those it does not.

Prototypes are chosen so that they alone, each standing for many, are spread like the whole class.
Criticisms are the cases that this summary tells most wrongly: where the class has more cases than
the prototypes say, or fewer.

Source: Kim, Khanna, Koyejo, "Examples are not Enough, Learn to Criticize! Criticism for
Interpretability", 2016 (MMD-critic).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PROTOTYPES, CRITICISMS = 6, 4
MEDIAN_OF = 1000
"""Cases whose distances give the median: half a million pairs are enough."""
CHUNK = 1024
ALIKE = 1e-9
"""What a determinant may be at least, so that its logarithm exists."""


def choose_prototypes(
    embeddings: np.ndarray,
    labels: np.ndarray,
    prototypes: int = PROTOTYPES,
    criticisms: int = CRITICISMS,
    *,
    patients: Sequence[str] = (),
    digests: Sequence[str] = (),
) -> dict[int, tuple[list[int], list[int]]]:
    """Return for each label the rows of its prototypes and criticisms, the first chosen first.

    `embeddings` is `(cases, features)`, `labels` is `(cases,)` int. Where `patients` or `digests`
    are given, one per case, no two cases chosen for a class share either. There are fewer rows
    than asked for when a class has no more.
    """
    count = len(labels)
    people = np.asarray(patients if len(patients) else np.arange(count))
    contents = np.asarray(digests if len(digests) else np.arange(count))
    chosen = {}
    for label in np.unique(labels):
        rows = np.flatnonzero(np.asarray(labels) == label)
        kernel = _Kernel(np.asarray(embeddings)[rows])
        free = _Free(people[rows], contents[rows])
        typical = _prototypes(kernel, free, prototypes)
        unlike = _criticisms(kernel, free, typical, criticisms)
        chosen[int(label)] = (rows[typical].tolist(), rows[unlike].tolist())
    return chosen


class _Kernel:
    """A radial basis function of the median distance; columns are computed when asked for."""

    def __init__(self, points: np.ndarray) -> None:
        self._points = (points - points.mean(axis=0, dtype=np.float64)).astype(np.float32)
        self._squares = (self._points**2).sum(axis=1)
        self._width = self._median()
        self.means = np.concatenate(
            [
                self.columns(np.arange(start, min(start + CHUNK, len(points)))).mean(axis=0)
                for start in range(0, len(points), CHUNK)
            ]
        )
        """`(cases,)`: how near the whole class is to each case."""

    def columns(self, rows: np.ndarray | Sequence[int]) -> np.ndarray:
        """Return `(cases, rows)` likenesses, 1 for the same point."""
        return np.exp(-self._squared(np.asarray(rows, int)) / self._width).astype(np.float64)

    def _squared(self, rows: np.ndarray) -> np.ndarray:
        products = self._points @ self._points[rows].T
        return np.maximum(self._squares[:, None] + self._squares[rows] - 2 * products, 0)

    def _median(self) -> float:
        """Return twice the square of the median distance between different points."""
        count = len(self._points)
        rows = np.random.default_rng(0).permutation(count)[:MEDIAN_OF]
        squared = self._squared(rows)[rows]
        apart = squared[np.triu_indices(len(rows), 1)]
        apart = apart[apart > 0]
        return 2 * float(np.median(apart)) if len(apart) else 1.0


class _Free:
    """Which cases may still be chosen: none of a patient, or of a content, that was chosen."""

    def __init__(self, people: np.ndarray, contents: np.ndarray) -> None:
        self._people, self._contents = people, contents
        self.rows = np.ones(len(people), bool)

    def best(self, gains: np.ndarray) -> int | None:
        """Take the free case with the greatest gain; None when there is none left."""
        if not self.rows.any():
            return None
        row = int(np.argmax(np.where(self.rows, gains, -np.inf)))
        self.rows &= (self._people != self._people[row]) & (self._contents != self._contents[row])
        return row


def _prototypes(kernel: _Kernel, free: _Free, number: int) -> list[int]:
    """Choose greedily so that the discrepancy between class and prototypes falls most."""
    chosen: list[int] = []
    near = np.zeros_like(kernel.means)  # of each case to the prototypes so far, summed
    covered = inner = 0.0
    while len(chosen) < number:
        size = len(chosen) + 1
        gains = 2 * (covered + kernel.means) / size - (inner + 2 * near + 1) / size**2
        row = free.best(gains)
        if row is None:
            break
        covered, inner = covered + kernel.means[row], inner + 2 * near[row] + 1
        near = near + kernel.columns([row])[:, 0]
        chosen.append(row)
    return chosen


def _criticisms(kernel: _Kernel, free: _Free, typical: list[int], number: int) -> list[int]:
    """Choose greedily where class and prototypes differ most, and far from each other.

    The logarithm of the determinant of their likenesses keeps them apart; it grows by the
    logarithm of what of a case is not explained by those chosen before (Cholesky's next diagonal).
    """
    if not typical:
        return []
    witness = np.abs(kernel.means - kernel.columns(typical).mean(axis=1))
    chosen: list[int] = []
    unexplained = np.ones_like(witness)
    factors: list[np.ndarray] = []
    while len(chosen) < number:
        row = free.best(witness + np.log(np.maximum(unexplained, ALIKE)))
        if row is None:
            break
        column = kernel.columns([row])[:, 0]
        for factor in factors:
            column = column - factor * factor[row]
        column /= np.sqrt(max(unexplained[row], ALIKE))
        factors.append(column)
        unexplained = unexplained - column**2
        chosen.append(row)
    return chosen
