"""What a .keras file says of its layers, read before Keras builds any of them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

LARGEST = 64 * 2**20
"""Bytes of a configuration: more than any network has."""


def layer_classes(path: Path) -> set[str]:
    """Return the class names of everything in the file's configuration.

    Raises:
        ValueError: a name in the archive leads out of it, or there is more than networks need. A
            file that is no such archive raises other errors, too.
    """
    found: set[str] = set()
    json.loads(
        _configuration(path), object_hook=lambda item: found.add(str(item.get("class_name")))
    )
    return found


def _configuration(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            first, *others = name.replace("\\", "/").split("/")
            if ".." in (first, *others) or (others and not first):
                raise ValueError(f"'{name}' leads out of the archive")
        with archive.open("config.json") as member:
            config = member.read(LARGEST + 1)
    if len(config) > LARGEST:
        raise ValueError("its configuration is longer than that of any network")
    return config
