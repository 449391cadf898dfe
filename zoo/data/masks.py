"""Lung masks from a folder: one image file each, named as the radiograph it belongs to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

import numpy as np

from zoo.base import image_files, images
from zoo.base.errors import BadInput
from zoo.base.mask_names import is_images_folder, is_mask_folder, unmasked
from zoo.base.types import Sample

INSIDE = 128

_SIDE = re.compile("left|right", re.IGNORECASE)


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

    A file is the mask of the image with its name, or with its name less an end such as `_mask`.
    Where folders called `masks` lie among others, only what is in them is a mask.

    Raises:
        BadInput: it is not a folder, holds no mask of any of these images, or has one for each
            lung of an image.
    """
    if not folder.is_dir():
        raise BadInput(f"There is no folder of masks '{folder}'. Check the path.")
    names = image_files.walk(folder).names
    called = [n for n in names if any(map(is_mask_folder, PurePosixPath(n).parts[:-1]))]
    paths: dict[str, list[Path]] = defaultdict(list)
    for name in called or names:
        path = folder / name
        paths[path.stem].append(path)
        if image := unmasked(path.stem):
            paths[image].append(path)
    masks = Masks({stem: tuple(files) for stem, files in paths.items()})
    for sample in samples:
        _refuse_halves(masks.paths.get(PurePosixPath(sample.name).stem, ()))
    if not any(masks.of(sample.name) for sample in samples):
        raise BadInput(
            f"None of the {len(called or names):,} masks in '{folder}' has the name of an image, "
            f"such as '{PurePosixPath(samples[0].name).stem}'. Expected files named as the images."
        )
    return masks


def inside(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Return where a mask is white, `(height, width)` bool.

    Raises:
        BadInput: it cannot be read.
    """
    return images.read_image(path, size)[..., 0] >= INSIDE


def _refuse_halves(paths: tuple[Path, ...]) -> None:
    sides = {match[0].lower() for path in paths if (match := _SIDE.match(path.parent.name))}
    if len(sides) == 2:
        raise BadInput(
            f"There are masks of the left and of the right lung, such as '{paths[0]}'. Expected "
            "one mask of both: join the two files of each image."
        )


def _agreement(path: Path, wanted: PurePosixPath) -> int:
    """Count the folders above both that are called the same, from the file upwards.

    Folders that only tell images from masks play no part.
    """
    agreeing = 0
    for ours, theirs in zip(_telling(path), _telling(wanted), strict=False):
        if ours != theirs:
            break
        agreeing += 1
    return agreeing


def _telling(path: PurePath) -> Iterator[str]:
    return (
        folder
        for folder in reversed(path.parts[:-1])
        if not is_images_folder(folder) and not is_mask_folder(folder)
    )
