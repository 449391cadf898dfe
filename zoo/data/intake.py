"""Files that somebody sends as a data set: images and tables are kept, within the room there is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath

from zoo.base import leftovers
from zoo.base.errors import BadInput
from zoo.base.files import writing
from zoo.base.pictures.images import is_image_name
from zoo.base.progress import SILENT, Progress
from zoo.base.sources import TABLE_ENDINGS
from zoo.data import archives
from zoo.data.archives import Taken, TooLarge, new_file, safe_path

MOST_FILES = 100_000
"""Files of an archive that is sent."""


def store(folder: Path, name: str, content: bytes, left: int) -> Taken:
    """Keep one file below a folder.

    Raises:
        BadInput: its name cannot be used, there is one of that name, or `left` bytes are too few.
        NotWritten: the disk does not take it.
    """
    try:
        place = safe_path(name)
        if place is None or not _is_wanted(place):
            return Taken(0, 0, 1)
        if len(content) <= left:
            with new_file(folder / place, name) as file:
                file.write(content)
            return Taken(1, len(content), 0)
    except BadInput as error:
        raise BadInput(f"{error} Rename it.") from error
    raise too_much(left)


def unpack(archive: Path, folder: Path, left: int, progress: Progress = SILENT) -> Taken:
    """Unpack the images and tables of a zip file into an empty folder, at most `left` bytes.

    All of them are there afterwards, or none, whatever ended it.

    Raises:
        BadInput: it breaks a rule of `zoo.data.archives`, has more bytes than are left, or the
            folder has files.
        NotWritten: the disk does not take it.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise BadInput("Files were sent already. Send the zip file as a data set of its own.")
    leftovers.sweep(folder.parent)
    unpacked = folder.with_name(leftovers.new_name())
    try:
        taken = archives.unpack(
            archive,
            unpacked,
            room=left,
            most_files=MOST_FILES,
            wanted=_is_wanted,
            progress=progress,
        )
    except TooLarge as error:
        raise too_much(left) from error
    except BadInput as error:
        raise BadInput(
            f"The zip file cannot be unpacked. {error} Pack the images themselves again, under "
            "names of their own and without a password."
        ) from error
    else:
        with writing(folder):
            unpacked.mkdir(parents=True, exist_ok=True)  # nothing was wanted
            if folder.is_dir():
                folder.rmdir()
            unpacked.replace(folder)
        return taken
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def bytes_below(folder: Path) -> int:
    """Return how many bytes the files below a folder have."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(place, name).lstat().st_size
            except OSError:
                continue  # removed meanwhile
    return total


def too_much(left: int) -> BadInput:
    """Build the error for more bytes than there is room for."""
    return BadInput(
        f"That is more than the {max(0, left) / 1e6:,.0f} MB that are left for data sets here. "
        "Remove another one first, or let whoever started the application allow more."
    )


def _is_wanted(place: PurePosixPath) -> bool:
    return is_image_name(Path(place)) or place.name.lower().endswith(TABLE_ENDINGS)
