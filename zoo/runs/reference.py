"""The training cases that a run keeps, so that a new image can be compared with known ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.array_files import Expected, read_arrays
from zoo.base.errors import DamagedRun
from zoo.base.explanations import Reference
from zoo.base.files import replacing
from zoo.base.pictures.pixel_arrays import encode_jpeg
from zoo.base.progress import SILENT, Progress
from zoo.base.types import Dataset, Sample
from zoo.data.pixels import kept_files
from zoo.data.proportions import read_proportioned
from zoo.stats.sampling import in_proportion

THUMBNAIL_SIDE = 160
"""Pixels of the shorter side; pictures of older runs are squashed to a square."""
THUMBNAIL_QUALITY = 80
HELD = ("held_embeddings", "held_labels")
"""Arrays of the validation cases; runs of older versions have none."""
ARRAYS = {
    "embeddings": Expected("f", "cases features"),
    "labels": Expected("iu", "cases", low=0),
    "names": Expected("U", "cases"),
    "patients": Expected("U", "cases"),
    "digests": Expected("U", "cases"),
    "thumbnail_bytes": Expected("u", "bytes"),
    "thumbnail_sizes": Expected("iu", "cases", low=0, optional=True),
    "shapes": Expected("f", "cases values", optional=True),
    "held_embeddings": Expected("f", "held features", optional=True),
    "held_labels": Expected("iu", "held", low=0, optional=True),
}
"""What the file of the cases holds; it has no pictures where none were to be kept."""


def choose_cases(samples: Sequence[Sample], limit: int, seed: int) -> list[int]:
    """Choose at most `limit` samples, the classes in proportion; return their indices in order."""
    return in_proportion(np.array([s.label for s in samples]), limit, seed).tolist()


def thumbnails(
    dataset: Dataset, samples: Sequence[Sample], progress: Progress = SILENT
) -> tuple[bytes, ...]:
    """Encode a small JPEG of each sample, in its own proportions."""

    def thumbnail(sample: Sample) -> bytes:
        pixels = read_proportioned(dataset, sample, THUMBNAIL_SIDE)
        return encode_jpeg(pixels, quality=THUMBNAIL_QUALITY)

    name = f"jpeg-{THUMBNAIL_SIDE}-{THUMBNAIL_QUALITY}"
    return tuple(kept_files(dataset, samples, name, thumbnail, progress))


def keeps_pictures(recipe: Mapping[str, Any]) -> bool:
    """Tell whether a run of this recipe keeps pictures of patients in its folder."""
    return bool(recipe.get("pictures", True))


def save(path: Path, reference: Reference) -> None:
    """Write the cases as one .npz file without Python objects."""
    pictures = reference.thumbnails
    held = {name: values for name in HELD if (values := getattr(reference, name)) is not None}
    with replacing(path) as temporary:
        np.savez(
            temporary,
            embeddings=reference.embeddings.astype(np.float32),
            labels=reference.labels.astype(np.int32),
            names=np.array(reference.names, dtype=np.str_),
            patients=np.array(reference.patients, dtype=np.str_),
            digests=np.array(reference.digests, dtype=np.str_),
            thumbnail_bytes=np.frombuffer(b"".join(pictures), np.uint8),
            thumbnail_sizes=np.array([len(p) for p in pictures], np.int64),
            shapes=np.zeros((0, 0)) if reference.shapes is None else reference.shapes,
            **held,
        )


def load(path: Path, classes: int | None = None) -> Reference:
    """Read the cases of a run, of so many classes where their number is known.

    Raises:
        DamagedRun: the file is missing or damaged, or its arrays do not fit each other.
    """
    try:
        arrays = read_arrays(path, ARRAYS)
        content = arrays["thumbnail_bytes"].tobytes()
        ends = np.cumsum(arrays["thumbnail_sizes"])
        starts = ends - arrays["thumbnail_sizes"]
        if len(content) != arrays["thumbnail_sizes"].sum():
            raise ValueError("its pictures are not as long as it says")
        for name in ("labels", "held_labels"):
            if classes is not None and (arrays.get(name, np.zeros(0)) >= classes).any():
                raise ValueError(f"'{name}' has a label of no class")
        return Reference(
            embeddings=arrays["embeddings"],
            labels=arrays["labels"],
            names=tuple(arrays["names"].tolist()),
            patients=tuple(arrays["patients"].tolist()),
            digests=tuple(arrays["digests"].tolist()),
            thumbnails=tuple(content[a:b] for a, b in zip(starts, ends, strict=True)),
            shapes=arrays["shapes"] if arrays["shapes"].size else None,
            **{name: arrays[name] for name in HELD if name in arrays},
        )
    except Exception as error:  # a damaged archive fails in many ways
        raise DamagedRun(
            f"The reference cases '{path}' cannot be read ({error}). Copy the run again, or train "
            "it again."
        ) from error
