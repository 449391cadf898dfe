"""Concepts that a user has pictures of, a folder each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from zoo.base.errors import BadInput, InvalidSetting
from zoo.data.pipeline import PREDICTION_BATCH
from zoo.data.queries import find_images, read_images
from zoo.interpret.overview.activations import FEWEST
from zoo.interpret.overview.ready_concepts import READY

LONGEST = 40
"""Letters of a name."""


def named_folders(texts: Iterable[str]) -> dict[str, Path]:
    """Read texts such as `NAME=FOLDER`.

    Raises:
        InvalidSetting: a text is not of this kind, or a name cannot be used.
    """
    folders: dict[str, Path] = {}
    for text in texts:
        name, mark, folder = text.partition("=")
        name = name.strip()
        if not mark or not name or not folder.strip():
            raise InvalidSetting(
                f"The concept '{text}' cannot be used. Expected NAME=FOLDER, such as "
                "'drain=pictures/drains'."
            )
        if not name.isprintable() or len(name) > LONGEST:
            raise InvalidSetting(
                f"The concept '{name[:LONGEST]}' cannot be called so. Expected a name of at most "
                f"{LONGEST} printable letters."
            )
        if name in READY or name in folders:
            raise InvalidSetting(
                f"There are two concepts called '{name}'. Give this one another name; ready-made "
                f"are: {', '.join(READY)}."
            )
        folders[name] = Path(folder.strip())
    return folders


def check_folders(folders: Mapping[str, Path]) -> dict[str, list[Path]]:
    """Find the files of each folder, before anything long is begun.

    Raises:
        BadInput: there is no such folder, or too few images are in it.
    """
    found = {}
    for name, folder in folders.items():
        if not folder.is_dir():
            raise BadInput(
                f"The concept '{name}' names '{folder}', which is no folder. Check the path."
            )
        files = find_images([folder])
        _enough(name, folder, len(files), "images")
        found[name] = files
    return found


def read_folder(
    name: str,
    files: list[Path],
    input_shape: tuple[int, int, int],
    most: int,
    *,
    bits: int | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, int]:
    """Read the images of a concept, at most so many, chosen at random: uint8.

    Copies count once. Returns `(n, height, width, channels)` and how many files were broken.

    Raises:
        BadInput: too few different images can be read.
    """
    order = np.random.default_rng(seed).permutation(len(files))[:most]
    chosen = [files[row] for row in np.sort(order)]
    known: dict[str, np.ndarray] = {}
    broken = 0
    reading = read_images(chosen, input_shape, "none", PREDICTION_BATCH, bits=bits, strict=False)
    for images, skipped in reading:
        broken += len(skipped)
        if images is not None:
            known |= dict(zip(images.digests, images.pixels, strict=True))
    _enough(name, files[0].parent, len(known), "different images that can be read")
    return np.stack(list(known.values())), broken


def _enough(name: str, folder: Path, count: int, what: str) -> None:
    if count < FEWEST:
        raise BadInput(
            f"The concept '{name}' has {count} {what} in '{folder}'. Expected at least {FEWEST} "
            "that have in common what you mean, and differ otherwise."
        )
