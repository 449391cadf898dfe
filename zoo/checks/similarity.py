"""Find pictures that show the same radiograph although the files differ.

Two pictures are the same when their pixels, or those of one and of the other's mirror image,
correlate above 0.995: re-encoded, rescaled, re-exposed and mirrored copies do. On 5,216 paediatric
radiographs identical images stood alone above that line; the closest pair of different images
had 0.972 (at 32 x 32 pixels: 0.98).

All pairs would be five thousand million among 100,000 pictures. Standardised pictures are points of
length 1, and a correlation above 0.995 is a distance below 0.1 between them. Seen in a few
directions at right angles no two points lie farther apart than they are, so what is near is near
there too: a k-d tree over the directions in which the pictures differ most finds every pair, and
few others. A mirror image differs from its picture only in the sign of what is not symmetric, so
of that the absolute value is taken: it never makes a distance longer either.

Source: Bentley, "Multidimensional binary search trees used for associative searching", 1975.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from zoo.base.cluster import Cluster
from zoo.base.parallel import over_samples
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.progress import SILENT, Progress, track
from zoo.base.types import Dataset, Sample
from zoo.data.pixels import keeping

SIDE, CELLS = 64, 16
"""Sides of a small picture, and of its cells, of which directions are made."""
SAME_PICTURE = 0.995
"""Correlation of the pixels."""
EVEN, ODD = 12, 4
"""Directions of the symmetric and the other part: fewer leave pairs to compare, more cost time."""
REACH = math.sqrt(2 * (1 - SAME_PICTURE)) + 1e-3
"""Distance at that correlation, and what float32 may add to it."""
LOOKED_AT = 4096
"""Pictures that the directions are chosen by: any would do, these are for speed alone."""
CHUNK, CHUNK_PAIRS = 256, 4096
"""Pictures that are looked for, and pairs that are compared, at a time."""
LEAF = 32
"""Points in a leaf of the tree."""


def small_pictures(
    dataset: Dataset,
    samples: Sequence[Sample],
    progress: Progress = SILENT,
    cluster: Cluster | None = None,
) -> np.ndarray:
    """Read small pictures, `(n, 64, 64)` uint8 gray, here or by the workers of a cluster.

    Raises:
        BadInput: an image cannot be read.
    """
    pictures = np.empty((len(samples), SIDE, SIDE), np.uint8)
    with keeping(dataset):
        read = over_samples(_small_picture, dataset, samples, cluster)
        for place, picture in enumerate(track(progress, read, "small pictures", len(samples))):
            pictures[place] = picture
    return pictures


def _small_picture(dataset: Dataset, sample: Sample) -> np.ndarray:
    return to_channels(dataset.read(sample, (SIDE, SIDE)), 1)[..., 0]


def similar_pairs(
    gray: np.ndarray, among: np.ndarray | None = None, progress: Progress = SILENT
) -> np.ndarray:
    """Return `(pairs, 2)` int: the rows i < j of all pairs that show the same picture, in order.

    `gray` is `(n, 64, 64)` uint8; with `among`, rising row numbers, only these are compared. A
    picture of one gray is like none.
    """
    from scipy.spatial import cKDTree

    rows = np.arange(len(gray)) if among is None else among
    shown = [part[np.ptp(gray[part], axis=(1, 2)) > 0] for part in _parts(rows, CHUNK)]
    rows = np.concatenate([rows[:0], *shown])
    if len(rows) < 2:
        return np.zeros((0, 2), np.int64)
    few = rows[np.linspace(0, len(rows) - 1, min(LOOKED_AT, len(rows))).astype(int)]
    directions = _directions(gray[few])
    places = np.empty((len(rows), EVEN + ODD), np.float32)
    found = [np.zeros((0, 2), np.int64)]
    progress.start("near duplicates", 2 * len(rows))
    try:
        for part in _parts(np.arange(len(rows)), CHUNK):
            places[part] = _placed(gray[rows[part]], directions)
            progress.advance(len(part))
        tree = cKDTree(places, leafsize=LEAF)
        for part in _parts(tree.indices, CHUNK):  # neighbours together, so that memory is near too
            near = tree.query_ball_point(places[part], REACH)
            first = np.repeat(part, [len(those) for those in near])
            second = np.concatenate([np.asarray(those, np.int64) for those in near])
            pairs = rows[np.stack([first, second], axis=1)[second > first]]
            found += [
                some[correlation(gray[some[:, 0]], gray[some[:, 1]]) > SAME_PICTURE]
                for some in _parts(pairs, CHUNK_PAIRS)
            ]
            progress.advance(len(part))
    finally:
        progress.stop()
    joined = np.concatenate(found)
    return joined[np.lexsort(joined.T[::-1])]


def correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return `(pairs,)` Pearson correlations of the pixels of `(pairs, height, width)` pictures.

    Of the second picture and its mirror image the better one counts. A picture of one gray has 0.
    """
    a, b = _standardised(first), _standardised(second)
    straight = np.einsum("nhw,nhw->n", a, b)
    return np.maximum(straight, np.einsum("nhw,nhw->n", a, b[:, :, ::-1]))


def _directions(gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return directions at right angles in which the two parts of these pictures differ most."""
    even, odd = _even_and_odd(gray)
    _, of_even = np.linalg.eigh(np.cov(even, rowvar=False))
    _, of_odd = np.linalg.eigh(odd.T @ odd)
    return of_even[:, -EVEN:].astype(np.float32), of_odd[:, -ODD:].astype(np.float32)


def _placed(gray: np.ndarray, directions: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return `(n, 16)` points, those of a picture and its mirror image at the same place."""
    (even, odd), (of_even, of_odd) = _even_and_odd(gray), directions
    return np.concatenate([even @ of_even, np.abs(odd @ of_odd)], axis=1)


def _even_and_odd(gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divide standardised pictures into what mirroring leaves, and what it turns, `(n, 128)` each.

    The pictures are reduced to 16 x 16 cells first. Neither makes a distance longer.
    """
    side, half = SIDE // CELLS, CELLS // 2
    cells = _standardised(gray).reshape(-1, CELLS, side, CELLS, side).sum(axis=(2, 4)) / side
    left, right = cells[:, :, :half], cells[:, :, : half - 1 : -1]
    parts = (left + right, left - right)
    return tuple((part / math.sqrt(2)).reshape(len(gray), -1) for part in parts)


def _standardised(gray: np.ndarray) -> np.ndarray:
    centred = gray.astype(np.float32) - gray.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    length = np.sqrt(np.square(centred).sum(axis=(1, 2), keepdims=True))
    return np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-3)


def _parts(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
