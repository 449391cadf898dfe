"""The reference cases, arranged once so that the nearest to an image are found quickly.

A matrix product gives the distances to all cases; everything else is a choice among them. With
thousands of cases and features this is faster than a general index, which would read the cases
again for each group and its condition (benchmarks/neighbours.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explain.kept import kept
from zoo import BadInput, Reference

COPY = 1e-4
"""Cosine distance below which two images are copies of each other, at most."""
LEAST_COPY = 1e-6
"""Cosine distance that rounding alone can give to identical images."""
SAMPLED = 256
"""Cases whose nearest other case tells how densely the embedding is populated."""
MOST = 1024
"""Cases looked at before a search for more that are no copies is given up."""


@dataclass(frozen=True, eq=False)
class Index:
    """The directions of all reference cases, and who and what they show.

    `directions` is `(cases, features)` float32 of length 1 (or 0), `lengths` is `(cases,)`. `first`
    is `(cases,)` bool: the first case of each content. `contents` and `people` are `(cases,)` int,
    equal for the same content and patient; `people` is -1 where the patient is unknown.
    Closer than `copy` two cases are copies of each other.
    """

    directions: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    first: np.ndarray
    contents: np.ndarray
    people: np.ndarray
    content_of: dict[str, int]
    person_of: dict[str, int]
    copy: float

    def unit(self, embeddings: np.ndarray) -> np.ndarray:
        """Return `(batch, features)` embeddings as directions.

        Raises:
            BadInput: they have another number of features than the cases.
        """
        if embeddings.shape[1] != self.directions.shape[1]:
            raise BadInput(
                f"The reference cases have {self.directions.shape[1]} features and this network "
                f"gives {embeddings.shape[1]}: they come from another network. Use the run's own "
                "cases."
            )
        return _unit(embeddings)

    def products(self, vectors: np.ndarray) -> np.ndarray:
        """Return `(batch, cases)` products of vectors with the directions of all cases."""
        return vectors @ self.directions.T

    def own(self, distances: np.ndarray, patient: str | None, digest: str) -> np.ndarray:
        """Return `(cases,)` bool: cases that show the image itself or its patient.

        `distances` is `(cases,)`, to the image. An image that is a case under another name, or a
        copy of one, has that case's patient. A copy filed under another patient is left out too.
        """
        same = (self.contents == self.content_of.get(digest, -1)) | (distances < self.copy)
        people = {*self.people[same].tolist(), self.person_of.get(patient or "", -1)} - {-1}
        excluded = same | np.isin(self.people, list(people))
        if not excluded.any():
            return excluded
        return np.isin(self.contents, self.contents[excluded])

    def nearest(
        self, distances: np.ndarray, allowed: np.ndarray, count: int, excluded: np.ndarray
    ) -> list[int]:
        """Return the rows of the smallest distances, at most `count`, the smallest first.

        `allowed` and `own` are `(cases,)` bool. No two of them are copies of each other, and none
        is a copy of an `own` case.
        """
        rows = np.flatnonzero(allowed & self.first & ~excluded)
        if not count or not len(rows):
            return []
        values, taken = distances[rows], np.flatnonzero(excluded).tolist()
        looked_at = 2 * count
        while True:
            looked_at = min(looked_at, len(rows))
            near = np.argpartition(values, looked_at - 1)[:looked_at]
            near = near[np.lexsort((near, values[near]))]
            chosen = self._distinct(rows[near].tolist(), taken, count)
            if len(chosen) == count or looked_at in (len(rows), MOST):
                return chosen
            looked_at = min(4 * looked_at, MOST)

    def _distinct(self, rows: list[int], taken: list[int], count: int) -> list[int]:
        """Return the first rows that are copies neither of those before nor of those taken."""
        chosen: list[int] = []
        for row in rows:
            if len(chosen) == count:
                break
            likeness = self.directions[taken + chosen] @ self.directions[row]
            if 1 - likeness.max(initial=-1) >= self.copy:
                chosen.append(row)
        return chosen


@kept
def index_of(reference: Reference) -> Index:
    """Arrange the cases of a run."""
    directions = _unit(reference.embeddings)
    content_of = {digest: code for code, digest in enumerate(dict.fromkeys(reference.digests))}
    known = (patient for patient in reference.patients if patient)
    person_of = {patient: code for code, patient in enumerate(dict.fromkeys(known))}
    contents = np.array([content_of[digest] for digest in reference.digests], int)
    first = np.zeros(len(contents), bool)
    first[np.unique(contents, return_index=True)[1]] = True
    return Index(
        directions=directions,
        lengths=np.linalg.norm(reference.embeddings, axis=1),
        labels=np.asarray(reference.labels),
        first=first,
        contents=contents,
        people=np.array([person_of.get(patient, -1) for patient in reference.patients], int),
        content_of=content_of,
        person_of=person_of,
        copy=_copy(directions[first]),
    )


def cosine_distances(products: np.ndarray) -> np.ndarray:
    """Return distances, 0 (same direction) to 2; an embedding of zeros is at 1 from all others."""
    return np.clip(1 - products, 0, 2)


def shares(labels: np.ndarray, chosen: Sequence[int], target: int) -> float:
    """Return the share of the chosen cases whose label is the target; 0 without any."""
    return float((labels[list(chosen)] == target).mean()) if len(chosen) else 0.0


def _copy(directions: np.ndarray) -> float:
    """Return the distance below which cases are copies.

    A network with few features puts different images close together. So copies must also be ten
    times closer than a case and its nearest neighbour usually are.
    """
    rows = np.arange(0, len(directions), max(1, len(directions) // SAMPLED))
    if len(directions) < 2:
        return COPY
    distances = cosine_distances(directions[rows] @ directions.T)
    distances[np.arange(len(rows)), rows] = np.inf
    return float(np.clip(np.median(distances.min(axis=1)) / 10, LEAST_COPY, COPY))


def _unit(embeddings: np.ndarray) -> np.ndarray:
    embeddings = np.asarray(embeddings, np.float32)
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return embeddings / np.where(lengths > 0, lengths, 1)
