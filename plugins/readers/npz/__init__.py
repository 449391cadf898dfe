"""An `.npz` archive in the layout of MedMNIST: `train_images`, `train_labels`, and so on."""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plugins.readers.npz import medmnist, unpacked
from zoo import (
    TEST,
    TRAIN,
    VALIDATION,
    BadInput,
    Dataset,
    Sample,
    UnknownName,
    check_options,
    hookimpl,
)
from zoo.base.class_names import chosen_classes, fold
from zoo.base.digests import check_regular
from zoo.base.patients import CHEST

if TYPE_CHECKING:
    import numpy as np

OPTIONS = ("classes", "finding", "subject")
SPLIT_KEYS = {"test": TEST, "train": TRAIN, "val": VALIDATION}
LAYOUT = (
    "Expected the layout of MedMNIST: train_images (n, height, width) or (n, height, width, 3) "
    "uint8, train_labels (n, 1) integers from 0, and the same for val and test."
)


@hookimpl
def zoo_read_dataset(location: str, options: dict[str, str]) -> Dataset | None:
    """Index an `.npz` archive.

    Options: `classes` (names in the order of the labels, or `0:NAME,1:NAME`); `finding` (one
    against the rest, in a set with several labels an image); `subject` (what the images show).
    """
    if not location.lower().endswith(".npz") or os.path.isdir(location):  # noqa: PTH112
        return None
    check_options("npz", options, OPTIONS)
    try:
        check_regular(Path(location))
        archive = NpzImages(location, _state(location))
    except (OSError, ValueError) as error:
        raise BadInput(f"There is no file '{location}'. Check the path.") from error
    return _index(archive, options)


@dataclass(frozen=True)
class NpzImages:
    """Reads the images of one archive; `state` is the file's time in nanoseconds and its size.

    Arrays are remembered by both, so that another file in its place is not taken for it.
    """

    path: str
    state: tuple[int, int]

    def read(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Read one image as `(height, width, 3)` uint8."""
        import numpy as np

        from zoo import resize

        stored = self._stored(sample)
        pixels = stored if stored.ndim == 3 else np.repeat(stored[..., None], 3, axis=-1)
        return resize(np.ascontiguousarray(pixels), size)

    def digest(self, sample: Sample) -> str:
        """Identify one image by its stored pixels."""
        from zoo import digest_bytes

        return digest_bytes(self._stored(sample).tobytes())

    def _stored(self, sample: Sample) -> np.ndarray:
        key, index = sample.name.split("/")
        with _LOADING:  # threads that ask at once would each load an array of their own
            array = _kept(self, f"{key}_images")
        return array[int(index)]


def _state(path: str) -> tuple[int, int]:
    state = os.stat(path)  # noqa: PTH116
    return state.st_mtime_ns, state.st_size


def _array(archive: NpzImages, key: str) -> np.ndarray:
    """Load one array of the archive; pickled objects are refused, since they can run code."""
    import zipfile
    import zlib

    import numpy as np

    try:
        if _state(archive.path) != archive.state:
            raise BadInput(f"'{archive.path}' was replaced while it was in use. Begin anew.")
        shape, kind = _shapes(archive).get(key, ((), ""))
        size = math.prod(shape) if kind == "uint8" else 0
        if size >= unpacked.LARGE:
            return unpacked.mapped(archive.path, archive.state, key, size)
        with np.load(archive.path, allow_pickle=False) as arrays:
            return arrays[key]
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(f"'{key}' in '{archive.path}' cannot be read ({error}). {LAYOUT}") from error
    except MemoryError as error:
        raise BadInput(f"'{key}' in '{archive.path}' does not fit into memory.") from error


_kept = functools.lru_cache(maxsize=3)(_array)  # the images of the three splits, once a process
_LOADING = threading.Lock()


def _shapes(archive: NpzImages) -> dict[str, tuple[tuple[int, ...], str]]:
    """Give the shape and type of every array from its header, without unpacking the arrays."""
    import zipfile
    import zlib

    from numpy.lib import format as npy

    shapes = {}
    try:
        with zipfile.ZipFile(archive.path) as members:
            for name in members.namelist():
                if name.endswith(".npy"):
                    with members.open(name) as member:
                        major, _ = npy.read_magic(member)
                        header = (
                            npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
                        )
                        shape, _, dtype = header(member)
                        shapes[name.removesuffix(".npy")] = (shape, str(dtype))
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(f"'{archive.path}' is not a whole npz archive. {LAYOUT}") from error
    except (NotImplementedError, RuntimeError) as error:  # encrypted, or an unknown compression
        raise BadInput(f"'{archive.path}' cannot be unpacked ({error}). {LAYOUT}") from error
    return shapes


def _index(archive: NpzImages, options: Mapping[str, str]) -> Dataset:
    shapes = _shapes(archive)
    present = [key for key in SPLIT_KEYS if {f"{key}_images", f"{key}_labels"} & set(shapes)]
    if not present:
        arrays = ", ".join(sorted(shapes)) or "nothing"
        raise BadInput(f"'{archive.path}' holds {arrays}. {LAYOUT}")
    labels = {key: _labels(archive, shapes, key) for key in present}
    known = medmnist.set_of(archive.path)
    notes = ["The archive names no patients: every image counts as a patient of its own."]
    if any(rows.shape[1] > 1 for rows in labels.values()) or "finding" in options:
        labels, names = _one_finding(archive, labels, medmnist.LABELS.get(known, ()), options)
        notes.append(f"'{names[1]}' is held against the rest.")
    else:
        labels = {key: rows[:, 0] for key, rows in labels.items()}
        names = _names(archive, labels, known, options)
    new_names = _chosen(names, options)
    class_names = tuple(dict.fromkeys(new_names.values()))
    place = {label: class_names.index(name) for label, name in new_names.items()}
    samples = tuple(
        Sample(f"{key}/{index:06d}", place[int(label)], f"{key}/{index:06d}", SPLIT_KEYS[key])
        for key in present
        for index, label in enumerate(labels[key])
        if int(label) in place
    )
    if missing := sum(map(len, labels.values())) - len(samples):
        notes.append(f"{missing:,} images have a label that was not chosen and are left out.")
    return Dataset(
        source=archive.path,
        class_names=class_names,
        samples=samples,
        read=archive.read,
        digest=archive.digest,
        subject=options.get("subject", CHEST if known in medmnist.CHEST else ""),
        notes=tuple(notes),
    )


def _labels(
    archive: NpzImages, shapes: dict[str, tuple[tuple[int, ...], str]], key: str
) -> np.ndarray:
    """Give the labels of one split as `(n, labels)` after checking them and the images' shape."""
    for name in (f"{key}_images", f"{key}_labels"):
        if name not in shapes:
            raise BadInput(f"'{archive.path}' has no '{name}'. {LAYOUT}")
    shape, kind = shapes[f"{key}_images"]
    if kind != "uint8" or not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
        volumes = " These look like volumes; only pictures can be read." if len(shape) > 3 else ""
        raise BadInput(f"'{key}_images' in '{archive.path}' is {shape} {kind}.{volumes} {LAYOUT}")
    label_shape, label_kind = shapes[f"{key}_labels"]
    one = label_shape in ((shape[0],), (shape[0], 1))
    several = len(label_shape) == 2 and label_shape[0] == shape[0] and label_shape[1] > 1
    if not (one or several) or "int" not in label_kind:
        raise BadInput(
            f"'{key}_labels' in '{archive.path}' is {label_shape} {label_kind} "
            f"for {shape[0]} images. {LAYOUT}"
        )
    return _array(archive, f"{key}_labels").reshape(shape[0], -1)


def _one_finding(
    archive: NpzImages,
    labels: Mapping[str, np.ndarray],
    names: tuple[str, ...],
    options: Mapping[str, str],
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Give, for a set with several labels an image, one of them: 0 or 1, and the classes' names."""
    count = max(rows.shape[1] for rows in labels.values())
    names = names if len(names) == count else tuple(map(str, range(count)))
    name = os.path.basename(archive.path)  # noqa: PTH119 (never raises)
    if count == 1:
        raise BadInput(
            f"'{archive.path}' gives one label an image, so 'finding={options['finding']}' has no "
            "meaning here. Choose labels with '?classes=0:NAME,1:NAME'."
        )
    if "finding" not in options:
        example = names[min(6, count - 1)]
        raise BadInput(
            f"'{archive.path}' gives {count} labels an image. Expected one label an image. Ask for "
            f"one finding against the rest, with '{name}?finding={example}'. Findings: "
            f"{', '.join(names)}."
        )
    places = {fold(finding): place for place, finding in enumerate(names)}
    place = places.get(fold(options["finding"]))
    if place is None:
        raise UnknownName.among(f"finding in '{archive.path}'", options["finding"], names)
    if any(rows.shape[1] != count or ((rows != 0) & (rows != 1)).any() for rows in labels.values()):
        raise BadInput(f"The labels in '{archive.path}' are not {count} of 0 or 1 in every split.")
    return {key: rows[:, place] for key, rows in labels.items()}, (
        f"no {names[place]}",
        names[place],
    )


def _names(
    archive: NpzImages, labels: Mapping[str, np.ndarray], known: str, options: Mapping[str, str]
) -> tuple[str, ...]:
    """Give the names of the labels from 0: as asked, as published, or by their numbers."""
    import numpy as np

    values = [int(value) for value in np.unique(np.concatenate(list(labels.values())))]
    published = medmnist.LABELS.get(known, ())
    asked = options.get("classes", "")
    if "classes" in options and ":" not in asked:
        names = tuple(asked.split(","))
    elif values and values[0] >= 0 and values[-1] < len(published):
        names = published
    else:
        names = tuple(f"class {index}" for index in range(len(values)))
    if len(values) < 2 or values[0] < 0 or values[-1] >= len(names) or len(set(names)) < len(names):
        shown = ", ".join(map(str, values[:10]))
        raise BadInput(
            f"The labels in '{archive.path}' are {shown or 'missing'} and the classes "
            f"{', '.join(names[:10]) or 'none'}. Expected at least two labels, counted from 0 "
            "without gaps, and a different name for each."
        )
    return names


def _chosen(names: tuple[str, ...], options: Mapping[str, str]) -> dict[int, str]:
    """Give the class of each label that is used; `0:NAME` chooses by number or by name."""
    everything = dict(enumerate(names))
    if ":" not in options.get("classes", ""):
        return everything
    chosen = chosen_classes(options) or {}
    by_name = {fold(name): label for label, name in everything.items()}
    by_name |= {str(label): label for label in everything}
    for label in chosen:
        if fold(label) not in by_name:
            raise UnknownName.among("label in the archive", label, [*map(str, everything), *names])
    return {by_name[fold(label)]: name for label, name in chosen.items()}
