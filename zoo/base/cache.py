"""Files that can be made again at any time: where they are kept, and how much of them."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from zoo.base.errors import InvalidSetting, UnknownName
from zoo.base.files import writing

FEATURES, PIXELS, LOCALISERS, ARCHIVES = "features", "pixels", "localisers", "archives"
REMOTE = "remote"
KINDS = {
    FEATURES: "features of frozen backbones, of pictures and their views",
    PIXELS: "pictures as they were read for a network",
    LOCALISERS: "localisers that were trained on masks",
    ARCHIVES: "images of compressed archives, unpacked",
    REMOTE: "files from behind an address, each once it was read",
}
LIMIT = "ZOO_PIXELS"
"""The variable that says how many bytes of small pictures are kept."""
MOST, SHARE = 10 * 10**9, 0.2
"""Without it: at most so many bytes, and so much of what is free on the disk."""

_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def cache_folder() -> Path:
    """Return the folder: ZOO_CACHE, or the user's cache folder."""
    named = os.environ.get("ZOO_CACHE")
    if named:
        return Path(named)
    import platformdirs  # commands that keep nothing need not wait for it

    return Path(platformdirs.user_cache_dir("xray-zoo"))


def private_folder(kind: str) -> Path:
    """Make the folder of a kind, for its owner alone: it holds pictures of patients.

    One that is there keeps its permissions, which somebody may have opened to a group.

    Raises:
        OSError: it cannot be made.
    """
    folder = cache_folder() / kind
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def pixels_limit(kept: int) -> int:
    """Return how many bytes of small pictures may be kept, where so many are kept already.

    Raises:
        InvalidSetting: ZOO_PIXELS is no size.
    """
    named = os.environ.get(LIMIT)
    if named:
        return bytes_of(named, LIMIT)
    folder = cache_folder()
    try:
        place = next((one for one in (folder, *folder.parents) if one.is_dir()), Path("/"))
        free = shutil.disk_usage(place).free
    except OSError:
        free = 0
    return min(MOST, int(SHARE * (free + kept)))


def bytes_of(text: str, name: str) -> int:
    """Read a size such as '500MB', '2.5 GB' or '0'.

    Raises:
        InvalidSetting: the text is none.
    """
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,3})?) ?([KMGT]B)?", text.strip().upper())
    if found is None:
        raise InvalidSetting(f"{name} is '{text}'; expected a size such as 500MB, 10GB or 0.")
    return int(float(found[1]) * _UNITS[found[2] or ""])


@dataclass(frozen=True)
class Kept:
    """What is kept of one kind."""

    kind: str
    what: str
    files: int
    bytes: int


def survey() -> list[Kept]:
    """Return what is kept of each kind."""
    kept = []
    for kind, what in KINDS.items():
        sizes = [size for path in _files(kind) if (size := _size(path)) is not None]
        kept.append(Kept(kind, what, len(sizes), sum(sizes)))
    return kept


def clear(kind: str | None = None) -> int:
    """Remove what is kept of one kind, or of all; return the bytes that are free then.

    Raises:
        UnknownName: there is no such kind.
        NotWritten: a file cannot be removed.
    """
    if kind is not None and kind not in KINDS:
        raise UnknownName.among("kind of cache", kind, KINDS)
    freed = 0
    for one in KINDS if kind is None else (kind,):
        for path in _files(one):
            size = _size(path)
            with writing(path):
                path.unlink(missing_ok=True)
            freed += size or 0
    return freed


def _files(kind: str) -> list[Path]:
    return sorted(path for path in (cache_folder() / kind).rglob("*") if path.is_file())


def _size(path: Path) -> int | None:
    """Return the bytes of a file; None where another process has removed it."""
    try:
        return path.stat().st_size
    except OSError:
        return None
