"""Lung masks from a folder: one image file each, named as the radiograph it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from zoo.base import images
from zoo.base.errors import BadInput
from zoo.base.types import Sample

INSIDE = 128


@dataclass(frozen=True)
class Masks:
    """Masks by the stem of their file name."""

    paths: dict[str, tuple[Path, ...]]

    def __call__(self, sample: Sample, size: tuple[int, int]) -> np.ndarray | None:
        """Return where the lungs are, `(height, width)` bool, or None without a mask.

        Raises:
            BadInput: the mask cannot be read.
        """
        path = self.of(sample.name)
        return None if path is None else inside(path, size)

    def of(self, name: str) -> Path | None:
        """Return the mask with the stem of `name`; of several the one whose folders agree most."""
        wanted = PurePosixPath(name)
        candidates = self.paths.get(wanted.stem, ())
        return max(candidates, key=lambda path: _agreement(path, wanted), default=None)


def find_masks(folder: Path, samples: Sequence[Sample]) -> Masks:
    """Index the masks below a folder, in any layout; white is inside.

    Raises:
        BadInput: it is not a folder, or holds no mask of any of these images.
    """
    if not folder.is_dir():
        raise BadInput(f"There is no folder of masks '{folder}'. Check the path.")
    paths: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if images.is_image_name(path):
            paths[path.stem].append(path)
    masks = Masks({stem: tuple(files) for stem, files in paths.items()})
    if not any(masks.of(sample.name) for sample in samples):
        raise BadInput(
            f"None of the {len(paths):,} masks in '{folder}' has the name of an image, such as "
            f"'{PurePosixPath(samples[0].name).stem}'. Expected files named as the images."
        )
    return masks


def inside(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Return where a mask is white, `(height, width)` bool.

    Raises:
        BadInput: it cannot be read.
    """
    return images.read_image(path, size)[..., 0] >= INSIDE


def _agreement(path: Path, wanted: PurePosixPath) -> int:
    """Count the folders above both that are called the same, from the file upwards."""
    agreeing = 0
    for ours, theirs in zip(reversed(path.parts[:-1]), reversed(wanted.parts[:-1]), strict=False):
        if ours != theirs:
            break
        agreeing += 1
    return agreeing
