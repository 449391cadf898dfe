"""Write a few images of a data set as files, to look at or to ask a run about."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from zoo.base.errors import InvalidSetting
from zoo.base.file_names import file_name
from zoo.base.files import write_bytes
from zoo.base.registry import DEFAULT_SOURCE, Registry, load_registry
from zoo.base.types import Dataset


def sample(
    folder: str | Path,
    source: str = DEFAULT_SOURCE,
    *,
    count: int = 2,
    registry: Registry | None = None,
) -> list[Path]:
    """Write the first `count` images of each class of a data set as PNG files; return their paths.

    Files are called by their class, as `PNEUMONIA-1.png`; where another file has that name the next
    number is taken. Without `source` the images are drawn: synthetic chest radiographs of patients
    who do not exist.

    Raises:
        InvalidSetting: less than one image was asked for.
        ZooError: the data cannot be read, or the files cannot be written.

    Example:
        >>> [path.name for path in zoo.sample("drawn", "phantom?images=10&size=64", count=1)]
        ['NORMAL-1.png', 'PNEUMONIA-1.png']
    """
    return list(written((registry or load_registry()).dataset(source), Path(folder), count))


def written(dataset: Dataset, folder: Path, count: int) -> Iterator[Path]:
    """Write the first images of each class, and yield each path when its file is there."""
    from PIL import Image

    if count < 1:
        raise InvalidSetting(f"{count} images of each class were asked for; expected 1 or more.")
    for index, stem in enumerate(_stems(dataset.class_names)):
        chosen = [one for one in dataset.samples if one.label == index][:count]
        places = (folder / f"{stem}-{number}.png" for number in itertools.count(1))
        for one in chosen:
            picture = io.BytesIO()
            Image.fromarray(dataset.read(one, None)).save(picture, "PNG")
            content = picture.getvalue()
            path = next(place for place in places if _is_free(place, content))
            write_bytes(path, content)
            yield path


def _stems(class_names: Sequence[str]) -> list[str]:
    """Return what the files of each class are called, each otherwise, on every file system."""
    stems: dict[str, str] = {}
    for name in class_names:
        plain = file_name(name)
        names = (plain, *(f"{plain}-{number}" for number in range(2, len(class_names) + 1)))
        stem = next(one for one in names if one.casefold() not in stems)
        stems[stem.casefold()] = stem
    return list(stems.values())


def _is_free(path: Path, content: bytes) -> bool:
    """Tell whether a file may be written, or is there as it would be written."""
    try:
        return not os.path.lexists(path) or (path.is_file() and path.read_bytes() == content)
    except OSError:  # it may not be read
        return False
