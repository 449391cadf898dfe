"""The images a user asks about: find the files, read them for a classifier, name what is broken."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.base import digests, patients
from zoo.base.displayed import Tabled
from zoo.base.errors import BadInput
from zoo.base.parallel import in_parallel
from zoo.base.pictures import image_files, images, pixel_arrays
from zoo.base.progress import SILENT, Progress
from zoo.base.remote import is_address, mirrored
from zoo.base.types import Images
from zoo.data.pixels import FileReader

NETWORKS = frozenset({".h5", ".hdf5", ".keras", ".onnx", ".pb", ".pt", ".pth", ".tflite"})
"""What files of networks are called: someone who names one wants it to answer."""


@dataclass(frozen=True, repr=False)
class Skipped(Tabled):
    """An image of a folder that could not be read, and why."""

    name: str
    reason: str


def find_images(paths: Sequence[str | Path], progress: Progress = SILENT) -> list[Path]:
    """Return the files that `paths` name; of a folder, the images in it and below it, sorted.

    What a folder holds beside them is told to `progress`.

    Raises:
        BadInput: a path does not exist or is no file, or a folder has no image.
    """
    files: list[Path] = []
    for named in paths:
        path = Path(named)
        if is_address(str(named)):
            path = mirrored(str(named), fetched_when_read=images.is_image_name)
        if os.path.isdir(path):  # noqa: PTH112 (never raises)
            inside = image_files.walk(path)
            if not inside.names:
                raise BadInput(
                    f"The folder '{path}' has no images. {inside.left_out.sentence()} "
                    "Name a folder of image files."
                )
            if left_out := inside.left_out.sentence():
                progress.note(f"{path}: {left_out}")
            files.extend(inside.paths)
        elif os.path.exists(path):  # noqa: PTH110 (never raises)
            _check_file(path)
            files.append(path)
        else:
            raise BadInput(f"There is no file or folder '{path}'. Check the path.")
    return files


def _check_file(path: Path) -> None:
    if path.suffix.lower() in NETWORKS:
        raise BadInput(
            f"'{path}' is a network, not an image. Make a run of it first: zoo import {path} "
            "--classes NAMES --data DATA"
        )
    try:
        digests.check_regular(path)
    except OSError as error:
        raise BadInput(f"'{path}' cannot be read: {error.strerror}. Check the path.") from error


def read_images(
    files: Sequence[Path],
    input_shape: tuple[int, int, int],
    patient_rule: str,
    batch_size: int,
    *,
    bits: int | None = None,
    strict: bool = True,
    reader: FileReader | None = None,
) -> Iterator[tuple[Images | None, list[Skipped]]]:
    """Yield batches of images at `input_shape`, each with those that could not be read.

    A single file that cannot be read is an error; among several it is skipped. Unless `strict`,
    it is skipped always. `bits` is the depth of the run's data, as in `read_image`; a `reader` for
    that depth and size knows what it read before.

    Raises:
        BadInput: the only file, or every file, cannot be read.
    """
    height, width, channels = input_shape
    reader = reader or FileReader((height, width), bits)

    def load(path: Path) -> tuple[np.ndarray, tuple[int, int], str] | Skipped:
        try:
            pixels, shape, digest = reader.read(path)
            return pixel_arrays.to_channels(pixels, channels), shape, digest
        except BadInput as error:
            if strict and len(files) == 1:
                raise
            return Skipped(str(path), str(error))

    loaded, broken = in_parallel(load, files, ahead=2 * batch_size), 0
    for start in range(0, len(files), batch_size):
        names, whole, skipped = [], [], []
        for path in files[start : start + batch_size]:
            item = next(loaded)
            if isinstance(item, Skipped):
                skipped.append(item)
            else:
                names.append(str(path))
                whole.append(item)
        broken += len(skipped)
        batch = None
        if whole:
            batch = Images(
                pixels=np.stack([pixels for pixels, _, _ in whole]),
                names=tuple(names),
                patients=tuple(_patient(patient_rule, name) for name in names),
                digests=tuple(digest for _, _, digest in whole),
                shapes=tuple(shape for _, shape, _ in whole),
            )
        yield batch, skipped
    reader.flush()
    if strict and broken == len(files):
        raise BadInput(f"None of the {broken} files can be read as an image.")


def _patient(rule: str, name: str) -> str | None:
    """Return the patient by the run's rule, or None.

    It is unknown where a table's column named them, and by a folder counted from the data's root:
    these paths begin elsewhere.
    """
    counted = rule.startswith("folder:") and not rule.startswith("folder:-")
    return patients.patient_of(rule, name) if patients.is_rule(rule) and not counted else None
