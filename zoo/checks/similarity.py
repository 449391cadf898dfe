"""Find pictures that show the same radiograph although the files differ.

Candidates are pairs whose perceptual hashes are close, which finds re-encoded, rescaled and
re-exposed copies, and pairs whose embeddings are close, which finds mirrored ones. A candidate
counts when its pixels, or those of its mirror image, correlate above 0.995. On 5,216 paediatric
radiographs identical images stood alone above that line; the closest pair of different images
had 0.972 (at 32 x 32 pixels: 0.98).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from zoo.base.parallel import in_parallel
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.progress import SILENT, Progress, track
from zoo.base.types import Dataset, Sample

SIDE = 64
HASH_SIDE = 16
"""256 bits: with 64, the same reach gives thousands of pairs of different chests."""
HASH_REACH = 48
"""Bits that may differ: twice what JPEG at quality 20 or a contrast of 1.3 changes."""
SIMILAR_EMBEDDING = 0.8
"""Cosine of centred embeddings; a mirrored radiograph has 0.84, two different ones rarely 0.8."""
SAME_PICTURE = 0.995
"""Correlation of the pixels."""
HASH_CELLS, EMBEDDING_CELLS = 1_000_000, 12_000_000
"""Pairs that are compared at a time: hashes in the processor's cache, embeddings in memory."""
CHUNK_PAIRS = 4096


def small_pictures(
    dataset: Dataset, samples: Sequence[Sample], progress: Progress = SILENT
) -> tuple[np.ndarray, np.ndarray]:
    """Read small pictures, `(n, 64, 64)` uint8 gray, and their perceptual hashes, `(n, 4)` uint64.

    The hash is the signs of the lowest frequencies about their median (`imagehash.phash`).

    Raises:
        BadInput: an image cannot be read.
    """
    import imagehash
    from PIL import Image

    def read(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
        gray = to_channels(dataset.read(sample, (SIDE, SIDE)), 1)[..., 0]
        bits = imagehash.phash(Image.fromarray(gray), hash_size=HASH_SIDE).hash
        return gray, np.packbits(bits.ravel()).view(np.uint64)

    rows = list(track(progress, in_parallel(read, samples), "duplicates", len(samples)))
    return np.stack([gray for gray, _ in rows]), np.stack([bits for _, bits in rows])


def similar_pairs(
    gray: np.ndarray, hashes: np.ndarray, embeddings: np.ndarray | None = None
) -> list[tuple[int, int, float]]:
    """Return (i, j, correlation) with i < j of all pairs that show the same picture.

    `gray` is `(n, 64, 64)`, `hashes` is `(n, 4)` uint64, `embeddings` is `(n, features)`. Takes
    memory for a few million pairs at a time, whatever n is.
    """
    pairs: dict[tuple[int, int], float] = {}
    searches = [_by_hash(hashes)]
    if embeddings is not None:
        searches.append(_by_embedding(embeddings))
    for search in searches:
        for rows, columns in search:
            for start in range(0, len(rows), CHUNK_PAIRS):
                i, j = rows[start : start + CHUNK_PAIRS], columns[start : start + CHUNK_PAIRS]
                alike = correlation(gray[i], gray[j])
                for a, b, value in zip(i, j, alike, strict=True):
                    if value > SAME_PICTURE:
                        pairs[int(a), int(b)] = float(value)
    return sorted((a, b, value) for (a, b), value in pairs.items())


def correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return `(pairs,)` Pearson correlations of the pixels of `(pairs, height, width)` pictures.

    Of the second picture and its mirror image the better one counts. A picture of one gray has 0.
    """
    a, b = _standardised(first), _standardised(second)
    straight = np.einsum("nhw,nhw->n", a, b)
    return np.maximum(straight, np.einsum("nhw,nhw->n", a, b[:, :, ::-1]))


def _standardised(gray: np.ndarray) -> np.ndarray:
    centred = gray.astype(np.float32) - gray.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    length = np.sqrt(np.square(centred).sum(axis=(1, 2), keepdims=True))
    return np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-3)


def _by_hash(hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    words = np.ascontiguousarray(hashes.T)
    for start, stop in _blocks(len(hashes), HASH_CELLS):
        differing = np.zeros((stop - start, len(hashes) - start), np.uint16)
        for word in words:
            differing += np.bitwise_count(word[start:stop, None] ^ word[None, start:])
        yield _above_diagonal(differing <= HASH_REACH, start)


def _by_embedding(embeddings: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    unit = embeddings - embeddings.mean(axis=0)
    length = np.linalg.norm(unit, axis=1, keepdims=True)
    np.divide(unit, length, out=unit, where=length > 0)
    for start, stop in _blocks(len(unit), EMBEDDING_CELLS):
        yield _above_diagonal(unit[start:stop] @ unit[start:].T > SIMILAR_EMBEDDING, start)


def _blocks(number: int, cells: int) -> Iterator[tuple[int, int]]:
    step = max(1, cells // max(1, number))
    for start in range(0, number, step):
        yield start, min(start + step, number)


def _above_diagonal(close: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(close)
    later = columns > rows
    return rows[later] + start, columns[later] + start
