"""Fetch a public data set by name, checked and unpacked, ready for `--data`."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from zoo.base import downloads
from zoo.base.errors import BadInput, ZooError
from zoo.base.folders import made_folder, replacing_folder
from zoo.base.listeners import listener
from zoo.base.progress import Progress
from zoo.data import archives, catalogue
from zoo.data.catalogue import KAGGLE, Entry

FOLDER = Path("data")
ERRORS = 2
"""The number of standard error."""
LARGEST, MOST_FILES = 64 * 2**30, 2_000_000
"""Bytes and files that an archive may unpack to."""


@dataclass(frozen=True)
class Fetched:
    """A data set that is here; `source` is what `--data` takes, `md5` that of what was fetched."""

    entry: Entry
    source: Path
    md5: str = ""


def fetch_data(
    name: str, folder: str | Path = FOLDER, *, progress: Progress | None = None
) -> Fetched:
    """Fetch the data set `name` into a folder; what is there already is not fetched again.

    `zoo data list` names them. A connection that breaks is taken up where it broke, also by a later
    call. A set of Kaggle's is fetched by its own client, with your account.

    Raises:
        UnknownName: no set has that name.
        ZooError: it cannot be reached, is not what its publisher promises, or cannot be unpacked.

    Example:
        >>> zoo.fetch_data("pneumoniamnist_64", "pictures").source  # doctest: +SKIP
        PosixPath('pictures/pneumoniamnist_64.npz')
    """
    progress = listener(progress)
    entry = catalogue.entry(name)
    place = Path(folder)
    if not entry.folder:
        path = place / entry.file_name
        if path.is_file():
            progress.note(f"'{path}' is there already.")
            return Fetched(entry, path)
        md5 = downloads.fetch(
            entry.file, path, md5=entry.md5, page=entry.address, progress=progress
        )
        return Fetched(entry, path, md5)
    whole = place / entry.name.removeprefix(KAGGLE).replace("/", "-")
    source = whole / entry.folder
    if whole.is_dir():
        progress.note(f"'{whole}' is there already.")
        return Fetched(entry, source)
    archive = place / f"{whole.name}-{entry.file_name}"
    if entry.file.startswith(KAGGLE):
        _by_kaggle(entry, archive)
        md5 = ""
    elif archive.is_file():
        md5 = ""
    else:
        md5 = downloads.fetch(
            entry.file, archive, md5=entry.md5, page=entry.address, progress=progress
        )
    unpack(archive, whole, progress)
    archive.unlink(missing_ok=True)  # another process may have unpacked it too
    return Fetched(entry, source if source.is_dir() else whole, md5)


def unpack(archive: Path, folder: Path, progress: Progress) -> None:
    """Unpack a zip file to a folder, which is there only when all of it is.

    Raises:
        BadInput: it breaks a rule of `zoo.data.archives`.
        NotWritten: the disk does not take it.
    """
    try:
        with replacing_folder(folder) as new:
            archives.unpack(archive, new, room=LARGEST, most_files=MOST_FILES, progress=progress)
    except BadInput as error:
        raise BadInput(
            f"'{archive}' cannot be unpacked. {error} Remove it and fetch it again, or unpack it "
            f"by hand to '{folder}'."
        ) from error


def _by_kaggle(entry: Entry, archive: Path) -> None:
    """Let Kaggle's own client fetch an archive: it knows the account."""
    client = shutil.which("kaggle")
    if client is None:
        raise ZooError(
            f"'{entry.name}' is fetched by Kaggle's own client, which is not here: pip install "
            f"kaggle, and put your key where it says. Or fetch it by hand from {entry.address}"
        )
    with made_folder(archive.parent):
        _ask(client, entry, archive)


def _ask(client: str, entry: Entry, archive: Path) -> None:
    owner, _, named = entry.file.removeprefix(KAGGLE).partition("/")
    asked = [client, "datasets", "download", "-d", f"{owner}/{named}", "-p", str(archive.parent)]
    # standard output is for what the command gives; the client is known, the name from the list
    done = subprocess.run(asked, check=False, stdout=ERRORS)  # noqa: S603
    given = archive.parent / f"{named}.zip"
    if done.returncode or not given.is_file():
        raise ZooError(
            f"Kaggle's client did not fetch {owner}/{named} (exit code {done.returncode}); what it "
            f"said stands above. Or fetch it by hand from {entry.address}"
        )
    given.replace(archive)
