"""Read every image of a data set once before it is trusted: which are whole, and which content."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from zoo.base.class_names import is_healthy
from zoo.base.cluster import Cluster
from zoo.base.errors import BadInput, UnknownName
from zoo.base.parallel import over_samples
from zoo.base.pictures import images
from zoo.base.pictures.depth import Levels, measured, settled, white_of
from zoo.base.progress import Progress, track
from zoo.base.types import Dataset, Sample
from zoo.data.changes import Stamp, stamp, stamp_of
from zoo.data.pixel_store import PixelStore
from zoo.data.pixels import KeptPixels

SHOWN = 5

DEEP = re.compile(r"^[IF]$|;")
"""In the mode of an image (`zoo.read_header`): it has more than 8 bits a value."""

DECODED_SIDE = 32  # what is no file may be generated at a fraction


@dataclass(frozen=True)
class Verified:
    """A data set without its broken images, the digest of each image by name, and what broke."""

    dataset: Dataset
    digests: Mapping[str, str]
    broken: tuple[str, ...]
    levels: Mapping[str, Levels] = field(default_factory=dict)
    """Of the images of more than 8 bits a value: how deep each is."""
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    """Size and time of each image's file, as they were before it was read."""

    @property
    def fingerprint(self) -> str:
        """Identify the whole set: names, labels, patients, splits and contents."""
        content = hashlib.blake2b(digest_size=16)
        for s in self.dataset.samples:
            content.update(
                repr((s.name, s.label, s.patient, s.split, self.digests[s.name])).encode()
            )
        return content.hexdigest()


def verify(
    dataset: Dataset,
    *,
    skip_broken: bool,
    progress: Progress,
    bits: int | None = None,
    size: tuple[int, int] | None = None,
    cluster: Cluster | None = None,
) -> Verified:
    """Decode every image once, here or by the workers of a cluster; generated data are digested.

    Where it is known at which `size = (height, width)` images will be needed, they are kept by the
    same decoding, and what was kept before is known to be whole. Workers keep none.

    Files that hold more than 8 bits a value and do not say how many are read at one depth from then
    on: `bits`, or else the smallest that holds them all.

    Raises:
        BadInput: images cannot be read and `skip_broken` is off, or a class has no image left.
    """
    store = None
    if size is not None and dataset.path is not None and cluster is None:
        store = PixelStore(size, progress)
    kept, digests, broken, deep = [], {}, [], {}
    stamps: dict[str, Stamp] = {}
    total = len(dataset.samples)
    inspect = functools.partial(_inspected, bits=bits, store=store)
    seen = over_samples(inspect, dataset, dataset.samples, cluster)
    seen = track(progress, seen, "checking images", total)
    for sample, (digest, levels, when, problem) in zip(dataset.samples, seen, strict=True):
        if problem:
            broken.append(problem)
        else:
            kept.append(sample)
            digests[sample.name] = digest
            if when is not None:
                stamps[sample.name] = when
            if levels is not None:
                deep[sample.name] = levels
    if broken and not skip_broken:
        listed = "\n  ".join(broken[:SHOWN])
        more = f"\n  and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
        raise BadInput(
            f"{len(broken)} of {total} images cannot be read:\n  {listed}{more}\n"
            "Mend or remove them, or train without them: --skip-broken."
        )
    for index, name in enumerate(dataset.class_names):
        if not any(s.label == index for s in kept):
            raise BadInput(f"No image of class '{name}' can be read; expected some of each class.")
    whole = replace(dataset, samples=tuple(kept))
    at_one_depth = at_depth(whole, bits or settled(deep.values()))
    if store is not None:
        store.flush()
    if dataset.path is not None and not dataset.synthetic:
        read = KeptPixels(at_one_depth, dataset.path, digests, stamps, progress, store)
        at_one_depth = replace(at_one_depth, read=read)
    return Verified(at_one_depth, digests, tuple(broken), deep, stamps)


def at_depth(dataset: Dataset, bits: int | None) -> Dataset:
    """Read a data set's files that do not say their depth at this one; None: there are none."""
    path = dataset.path
    if bits is None or path is None:
        return dataset
    return replace(dataset, read=functools.partial(_read, path, bits), bits=bits)


def depth_of(paths: Iterable[Path]) -> int | None:
    """Return the depth of files that do not say it, as `verify` settles it; None: there are none.

    What cannot be read is passed over.
    """
    found = []
    for path in paths:
        with contextlib.suppress(BadInput):
            if DEEP.search(images.read_header(path).mode) and (deep := images.examine(path).deep):
                found.append(measured(deep, str(path)))
    return settled(found)


def _read(
    path: Callable[[Sample], Path], bits: int, sample: Sample, size: tuple[int, int] | None
) -> np.ndarray:
    return images.read_image(path(sample), size, bits=bits)


def _inspected(
    dataset: Dataset, sample: Sample, bits: int | None, store: PixelStore | None
) -> tuple[str, Levels | None, Stamp | None, str]:
    """Return digest, depth and stamp of an image, or else what is wrong with it."""
    try:
        seen = stamp(dataset, sample)
        digest = dataset.digest(sample)
        if dataset.synthetic:
            levels = None
        elif dataset.path is None:
            dataset.read(sample, (DECODED_SIDE, DECODED_SIDE))
            levels = None
        else:
            levels = _whole(dataset.path(sample), digest, seen, bits, store)
    except BadInput as error:
        return "", None, None, str(error)
    return digest, levels, seen, ""


def _whole(
    path: Path, digest: str, seen: Stamp | None, bits: int | None, store: PixelStore | None
) -> Levels | None:
    """Decode a file to see that it is whole; return how deep it is, None at 8 bits.

    One of the same content that is kept was whole, and had 8 bits.
    """
    if store is None or not store.open:
        found = images.examine(path)
    elif store.channels(digest):
        return None
    else:
        found = images.examine(path, size=store.size)
        if found.pixels is not None and stamp_of(path) == seen:  # it is what was digested
            store.keep(digest, found.pixels, found.shape)
    if found.deep is None:
        return None
    if bits is not None:
        white_of(found.deep, bits, str(path))
    return measured(found.deep, str(path))


def positive_index(class_names: Sequence[str], named: str | None) -> int:
    """Return the index of the class that is looked for: the one named, or the last unhealthy one.

    Raises:
        UnknownName: no class is called that.
    """
    if named is not None:
        if named not in class_names:
            raise UnknownName.among("class", named, class_names)
        return list(class_names).index(named)
    unhealthy = [i for i, name in enumerate(class_names) if not is_healthy(name)]
    return unhealthy[-1] if unhealthy else len(class_names) - 1


def labels_of(samples: Sequence[Sample]) -> np.ndarray:
    """Return the labels, `(samples,)` int."""
    return np.array([s.label for s in samples], dtype=np.int64)
