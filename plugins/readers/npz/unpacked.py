"""Large arrays of an archive: unpacked once to the cache folder, and read from there by pieces."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import BadInput, digest_bytes

if TYPE_CHECKING:
    import numpy as np

LARGE = 2**30
"""Bytes from which an array is not held in memory: every process would hold its own."""


def mapped(archive: str, state: tuple[int, ...], key: str, size: int) -> np.ndarray:
    """Return an array of `size` bytes as a map of a file; `state` changes with the archive.

    The file is unpacked again where its checksum is not the one that the archive gives.

    Raises:
        BadInput: there is no room for the file.
        OSError: the archive or the file cannot be read or written.
    """
    import numpy as np

    from zoo.base.cache import ARCHIVES, private_folder
    from zoo.base.digests import checksum_of
    from zoo.base.files import replacing

    name = digest_bytes(f"{Path(archive).resolve()} {state} {key}".encode())
    target = private_folder(ARCHIVES) / f"{name}.npy"
    with zipfile.ZipFile(archive) as members:
        checksum = members.getinfo(f"{key}.npy").CRC
    if not target.is_file() or checksum_of(target) != checksum:
        if shutil.disk_usage(target.parent).free < size:
            raise BadInput(
                f"'{key}' in '{archive}' takes {size / 1e9:.1f} GB unpacked, more than is free in "
                f"'{target.parent}'. Make room, or name another folder by ZOO_CACHE."
            )
        with (
            zipfile.ZipFile(archive) as members,
            members.open(f"{key}.npy") as member,
            replacing(target) as temporary,
            temporary.open("wb") as unpacked,
        ):
            shutil.copyfileobj(member, unpacked, 2**20)
    return np.load(target, mmap_mode="r", allow_pickle=False)
