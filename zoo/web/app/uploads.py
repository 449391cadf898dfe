"""A visitor's files: checked one by one, kept or refused with a sentence, and made to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import UploadFile
from fastapi.concurrency import run_in_threadpool

from zoo.base.errors import BadInput, ZooError
from zoo.base.pictures import images, pixel_arrays
from zoo.base.pictures.levels import Levels, read_levels
from zoo.base.types import Acquisition
from zoo.report.cases.overlays import enlarge
from zoo.web.service import uploads
from zoo.web.service.limits import Limits, TooLarge
from zoo.web.service.uploads import Upload

MOST_SIDE = 1600
"""Pixels of the longer side: enough to be looked at closely, a fraction of an X-ray's bytes."""


def picture(upload: Upload, bits: int | None = None) -> bytes:
    """Return the image as a JPEG file; `bits` is the depth of values where it says none itself.

    The network sees it squashed to its own input; a map is stretched back over it.

    Raises:
        BadInput: the file is damaged.
    """
    pixels = images.read_within(upload.content, MOST_SIDE, upload.name, bits=bits)
    return pixel_arrays.encode_jpeg(enlarge(pixels), quality=90)


def levels(upload: Upload, bits: int | None = None) -> Levels | None:
    """Return the gray values of a file with more than 8 bits; None of another.

    `bits` is their depth where the file does not say it.

    Raises:
        BadInput: the file is damaged.
    """
    return read_levels(upload.content, MOST_SIDE, upload.name, bits=bits)


def facts(acquisition: Acquisition, shape: tuple[int, int]) -> list[str]:
    """Say how a picture was taken and how large it is; `shape` is its height and width."""
    height, width = shape
    told = [acquisition.modality, acquisition.view, acquisition.body_part]
    told.append(f"{width} x {height}")
    if acquisition.spacing is not None:
        row, column = (f"{one:.3g}" for one in acquisition.spacing)
        told.append(f"{row} mm" if row == column else f"{row} x {column} mm")
    return [text for text in told if text]


@dataclass(frozen=True, eq=False)
class CheckedUploads:
    """Files that were accepted, and a sentence on each that was not."""

    uploads: tuple[Upload, ...]
    problems: tuple[str, ...]


async def check_uploads(files: Sequence[UploadFile], limits: Limits) -> CheckedUploads:
    """Take the files of a form that are within the limits; nothing is decoded.

    Raises:
        BadInput: no file was chosen.
        TooLarge: there are too many.
    """
    chosen = [(await file.read(), file.filename or "") for file in files]
    chosen = [(content, name) for content, name in chosen if content or name]
    if not chosen:
        raise BadInput("No image was sent. Choose one first: a JPEG, PNG, TIFF or DICOM file.")
    if len(chosen) > limits.files:
        raise TooLarge(
            f"{len(chosen)} files were sent; at most {limits.files} are read at a time. "
            "Choose fewer."
        )
    accepted: list[Upload] = []
    problems: list[str] = []
    for content, name in chosen:
        try:
            accepted.append(await run_in_threadpool(uploads.accept, content, name, limits))
        except ZooError as error:
            problems.append(str(error))
    return CheckedUploads(tuple(accepted), tuple(problems))
