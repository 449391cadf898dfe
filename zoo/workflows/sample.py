"""Write a few images of a data set as files, to look at or to ask a run about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zoo.base.errors import InvalidSetting
from zoo.base.files import replacing
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

    Files are called by their class, as `PNEUMONIA-1.png`. Without `source` the images are drawn:
    synthetic chest radiographs of patients who do not exist.

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
    for index, name in enumerate(dataset.class_names):
        chosen = [one for one in dataset.samples if one.label == index][:count]
        for number, one in enumerate(chosen, start=1):
            path = folder / f"{name}-{number}.png"
            with replacing(path) as temporary:
                Image.fromarray(dataset.read(one, None)).save(temporary)
            yield path
