"""An `.npz` archive in the layout of MedMNIST: `train_images`, `train_labels`, and so on.

Jiancheng Yang et al., "MedMNIST v2: a large-scale lightweight benchmark for 2D and 3D biomedical
image classification", 2023.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo import TEST, TRAIN, VALIDATION, BadInput, Dataset, Sample, check_options, hookimpl

if TYPE_CHECKING:
    import numpy as np

SPLIT_KEYS = {"test": TEST, "train": TRAIN, "val": VALIDATION}
LAYOUT = (
    "Expected the layout of MedMNIST: train_images (n, height, width) or (n, height, width, 3) "
    "uint8, train_labels (n, 1) integers from 0, and the same for val and test."
)


@hookimpl
def zoo_read_dataset(location: str, options: dict[str, str]) -> Dataset | None:
    """Index an `.npz` archive; options: `classes` (names, by commas) and `subject`."""
    if not location.lower().endswith(".npz") or os.path.isdir(location):  # noqa: PTH112
        return None
    check_options("npz", options, ("classes", "subject"))
    try:
        archive = NpzImages(location, os.stat(location).st_mtime_ns)  # noqa: PTH116
    except (OSError, ValueError) as error:
        raise BadInput(f"There is no file '{location}'. Check the path.") from error
    return _index(archive, options.get("classes"), options.get("subject", ""))


@dataclass(frozen=True)
class NpzImages:
    """Reads the images of one archive; `changed` is the file's time in nanoseconds."""

    path: str
    changed: int

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
        return _array(self, f"{key}_images")[int(index)]


@functools.lru_cache(maxsize=3)  # the images of the three splits, once a process
def _array(archive: NpzImages, key: str) -> np.ndarray:
    """Load one array of the archive; pickled objects are refused, since they can run code."""
    import zipfile
    import zlib

    import numpy as np

    try:
        with np.load(archive.path, allow_pickle=False) as arrays:
            return arrays[key]
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(f"'{key}' in '{archive.path}' cannot be read ({error}). {LAYOUT}") from error
    except MemoryError as error:
        raise BadInput(f"'{key}' in '{archive.path}' does not fit into memory.") from error


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


def _index(archive: NpzImages, asked: str | None, subject: str) -> Dataset:
    import numpy as np

    shapes = _shapes(archive)
    present = [key for key in SPLIT_KEYS if {f"{key}_images", f"{key}_labels"} & set(shapes)]
    if not present:
        arrays = ", ".join(sorted(shapes)) or "nothing"
        raise BadInput(f"'{archive.path}' holds {arrays}. {LAYOUT}")
    labels = {key: _labels(archive, shapes, key) for key in present}
    values = np.unique(np.concatenate(list(labels.values())))
    class_names = _class_names(archive, values, asked)
    samples = tuple(
        Sample(f"{key}/{index:06d}", int(label), f"{key}/{index:06d}", SPLIT_KEYS[key])
        for key in present
        for index, label in enumerate(labels[key])
    )
    return Dataset(
        source=archive.path,
        class_names=class_names,
        samples=samples,
        read=archive.read,
        digest=archive.digest,
        subject=subject,
        notes=("The archive names no patients: every image counts as a patient of its own.",),
    )


def _labels(
    archive: NpzImages, shapes: dict[str, tuple[tuple[int, ...], str]], key: str
) -> np.ndarray:
    """Give the labels of one split as `(n,)` after checking them and the images' shape."""
    for name in (f"{key}_images", f"{key}_labels"):
        if name not in shapes:
            raise BadInput(f"'{archive.path}' has no '{name}'. {LAYOUT}")
    shape, kind = shapes[f"{key}_images"]
    if kind != "uint8" or not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
        raise BadInput(f"'{key}_images' in '{archive.path}' is {shape} {kind}. {LAYOUT}")
    label_shape, label_kind = shapes[f"{key}_labels"]
    if len(label_shape) == 2 and label_shape[1] > 1:
        raise BadInput(
            f"'{key}_labels' in '{archive.path}' gives {label_shape[1]} labels an image. "
            "Expected one label an image: sets with several findings at once are not supported."
        )
    if label_shape not in ((shape[0],), (shape[0], 1)) or "int" not in label_kind:
        raise BadInput(
            f"'{key}_labels' in '{archive.path}' is {label_shape} {label_kind} "
            f"for {shape[0]} images. {LAYOUT}"
        )
    return _array.__wrapped__(archive, f"{key}_labels").reshape(-1)


def _class_names(archive: NpzImages, values: np.ndarray, asked: str | None) -> tuple[str, ...]:
    labels = [int(value) for value in values]
    names = (
        asked.split(",")
        if asked is not None
        else [f"class {index}" for index in range(len(labels))]
    )
    if len(labels) < 2 or labels[0] < 0 or labels[-1] >= len(names) or len(set(names)) < len(names):
        shown = ", ".join(map(str, labels[:10]))
        raise BadInput(
            f"The labels in '{archive.path}' are {shown or 'missing'} and the classes "
            f"{', '.join(names[:10]) or 'none'}. Expected at least two labels, counted from 0 "
            "without gaps, and a different name for each."
        )
    return tuple(names)
