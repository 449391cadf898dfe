"""Masks from a folder: image files, named as the image they belong to."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath

import numpy as np

from zoo.base.errors import BadInput
from zoo.base.mask_files import inside
from zoo.base.mask_names import (
    is_images_folder,
    is_mask_folder,
    side_of_folder,
    side_of_mask,
    unmasked,
)
from zoo.base.pictures import image_files
from zoo.base.types import Sample

_NUMBER = re.compile(r"[ _-]?\d+$")


@dataclass(frozen=True)
class Masks:
    """Masks by the stem of their file name, and the images whose namesakes they belong to."""

    paths: dict[str, tuple[Path, ...]]
    passed_over: frozenset[str] = frozenset()

    def __call__(self, sample: Sample, size: tuple[int, int]) -> np.ndarray | None:
        """Return where the lungs are, `(height, width)` bool, or None without a mask.

        Raises:
            BadInput: the mask cannot be read.
        """
        paths = self.of(sample.name)
        return inside(paths, size) if paths else None

    def of(self, name: str) -> tuple[Path, ...]:
        """Return the masks with the stem of `name`: several, or those of the left and right lung.

        Of several kinds the one whose folders agree most.
        """
        if name in self.passed_over:
            return ()
        wanted = PurePosixPath(name)
        candidates = self.paths.get(wanted.stem, ())
        agreeing = {path: _agreement(path, wanted) for path in candidates}
        most = max(agreeing.values(), default=0)
        closest: dict[str, list[Path]] = defaultdict(list)
        for path in candidates:
            if agreeing[path] == most:
                closest[side_of_mask(path)].append(path)
        sides = [""] if "" in closest else sorted(closest)
        return tuple(path for side in sides for path in _numbered(closest[side], wanted.stem))


def find_masks(
    folder: Path,
    samples: Sequence[Sample],
    digest: Callable[[Sample], str],
    *,
    beside: Sequence[Sample] = (),
) -> Masks:
    """Index the masks below a folder, in any layout; white is inside.

    A file is the mask of the image with its name, or with its name less an end such as `_mask`.
    Where folders called `masks` lie among others, only what is in them is a mask; where
    `a_mask.png` lies beside `a.png`, only what is called so. Masks of one image that a number tells
    apart (`a_mask.png` and `a_mask_1.png`) are joined, and so are those of the left and of the
    right lung (`leftMask/a.png` and `rightMask/a.png`).

    Where several images have the name of a mask, it is that of the one whose folders agree most.
    Those with the same `digest` may share it. Images `beside` the samples may have it too.

    Raises:
        BadInput: it is not a folder, holds no mask of any of these images, lacks one of the
            lungs of an image, or has one mask for different images.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 (never raises)
        raise BadInput(f"There is no folder of masks '{folder}'. Check the path.")
    names = image_files.walk(folder).names
    called = [n for n in names if any(map(is_mask_folder, PurePosixPath(n).parts[:-1]))]
    called = called or _beside_images(names)
    paths: dict[str, list[Path]] = defaultdict(list)
    for name in called or names:
        path = folder / name
        paths[path.stem].append(path)
        if image := unmasked(path.stem):
            paths[image].append(path)
    masks = Masks({stem: tuple(files) for stem, files in paths.items()})
    masks = replace(masks, passed_over=_passed_over(masks, [*samples, *beside], digest))
    found = {sample.name: masks.of(sample.name) for sample in samples}
    _refuse_halves(found)
    if not any(found.values()):
        raise BadInput(
            f"None of the {len(called or names):,} masks in '{folder}' has the name of an image, "
            f"such as '{PurePosixPath(samples[0].name).stem}'. Expected files named as the images."
        )
    return masks


def _passed_over(
    masks: Masks, samples: Sequence[Sample], digest: Callable[[Sample], str]
) -> frozenset[str]:
    """Name the images that would get the mask of another image with their file name."""
    takers: dict[Path, list[Sample]] = defaultdict(list)
    for sample in samples:
        for path in masks.of(sample.name):
            takers[path].append(sample)
    names: set[str] = set()
    for path, taking in takers.items():
        if _are_one(taking, digest):
            continue
        agreeing = {s.name: _agreement(path, PurePosixPath(s.name)) for s in taking}
        most = max(agreeing.values())
        closest = [s for s in taking if agreeing[s.name] == most]
        if not _are_one(closest, digest):
            one, other = sorted({s.name for s in closest})[:2]
            raise BadInput(
                f"'{path}' may be the mask of '{one}' or of '{other}': different images of one "
                "name. Put each mask into folders called as those of its image, or give the "
                "images names of their own."
            )
        names.update(s.name for s in taking if agreeing[s.name] < most)
    return frozenset(names)


def _are_one(samples: Sequence[Sample], digest: Callable[[Sample], str]) -> bool:
    """Tell whether all lie in one folder, under one name, or have the same content."""
    places = {PurePosixPath(sample.name).with_suffix("") for sample in samples}
    return len(places) == 1 or len({digest(sample) for sample in samples}) == 1


def _beside_images(names: Sequence[str]) -> list[str]:
    """Return the names that say they are the mask of an image in the same folder."""
    paths = {name: PurePosixPath(name) for name in names}
    known = {(path.parent, path.stem) for path in paths.values()}
    return [name for name, path in paths.items() if (path.parent, unmasked(path.stem)) in known]


def _numbered(paths: Sequence[Path], image: str) -> list[Path]:
    """Return the first mask of an image, and those beside it that differ from it by a number."""
    kinds = [
        (path.parent, _NUMBER.sub("", path.stem.removeprefix(image)).lower()) for path in paths
    ]
    return [path for path, kind in zip(paths, kinds, strict=True) if kind == kinds[0]]


def _refuse_halves(found: Mapping[str, tuple[Path, ...]]) -> None:
    """Refuse an image with a mask of one lung where others have masks of both."""
    sides = {name: {side_of_mask(path) for path in paths} for name, paths in found.items()}
    if not any(len(those) == 2 for those in sides.values()):
        return
    for name, those in sides.items():
        if len(those) == 1 and (side := next(iter(those))):
            raise BadInput(
                f"There is a mask of the {side} lung of '{name}' and none of the other one: "
                f"'{found[name][0]}'. Expected both: add the other, or take this one out."
            )


def _agreement(path: Path, wanted: PurePosixPath) -> int:
    """Count the folders above both that are called the same, from the file upwards.

    Folders that only tell images from masks, or one lung from the other, play no part.
    """
    sided = any(side_of_folder(folder) for folder in wanted.parts[:-1])
    agreeing = 0
    for ours, theirs in zip(_telling(path, sided), _telling(wanted, sided), strict=False):
        if ours != theirs:
            break
        agreeing += 1
    return agreeing


def _telling(path: PurePath, sided: bool) -> list[str]:
    return [
        folder
        for folder in reversed(path.parts[:-1])
        if not is_images_folder(folder)
        and not is_mask_folder(folder)
        and (sided or not side_of_folder(folder))
    ]
