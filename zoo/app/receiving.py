"""Files from a page's form: checked one by one, each kept or refused with a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import UploadFile
from fastapi.concurrency import run_in_threadpool

from zoo.errors import BadInput, ZooError
from zoo.service import uploads
from zoo.service.errors import TooLarge
from zoo.service.limits import Limits
from zoo.service.uploads import Upload


@dataclass(frozen=True, eq=False)
class Received:
    """Files that were accepted, and a sentence on each that was not."""

    uploads: tuple[Upload, ...]
    problems: tuple[str, ...]


async def received(files: Sequence[UploadFile], limits: Limits) -> Received:
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
    return Received(tuple(accepted), tuple(problems))
