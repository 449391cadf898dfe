"""Read every image of a data set once before it is trusted: which are whole, and which content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from zoo.base.errors import BadInput, UnknownName
from zoo.base.parallel import in_parallel
from zoo.base.progress import Progress, track
from zoo.base.types import Dataset, Sample

HEALTHY = ("normal", "healthy", "negative", "no finding", "benign")

SHOWN = 5

DECODED_SIDE = 32  # JPEGs decode at a fraction, which still reads the whole file


@dataclass(frozen=True)
class Verified:
    """A data set without its broken images, the digest of each image by name, and what broke."""

    dataset: Dataset
    digests: Mapping[str, str]
    broken: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Identify the whole set: names, labels, patients, splits and contents."""
        content = hashlib.blake2b(digest_size=16)
        for s in self.dataset.samples:
            content.update(
                repr((s.name, s.label, s.patient, s.split, self.digests[s.name])).encode()
            )
        return content.hexdigest()


def verify(dataset: Dataset, *, skip_broken: bool, progress: Progress) -> Verified:
    """Decode every image once; generated data are only digested.

    Raises:
        BadInput: images cannot be read and `skip_broken` is off, or a class has no image left.
    """

    def inspect(sample: Sample) -> tuple[Sample, str, str]:
        try:
            digest = dataset.digest(sample)
            if not dataset.synthetic:
                dataset.read(sample, (DECODED_SIDE, DECODED_SIDE))
        except BadInput as error:
            return sample, "", str(error)
        return sample, digest, ""

    kept, digests, broken = [], {}, []
    total = len(dataset.samples)
    for sample, digest, problem in track(
        progress, in_parallel(inspect, dataset.samples), "checking images", total
    ):
        if problem:
            broken.append(problem)
        else:
            kept.append(sample)
            digests[sample.name] = digest
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
    return Verified(replace(dataset, samples=tuple(kept)), digests, tuple(broken))


def positive_index(class_names: Sequence[str], named: str | None) -> int:
    """Return the index of the class that is looked for: the one named, or the last unhealthy one.

    Raises:
        UnknownName: no class is called that.
    """
    if named is not None:
        if named not in class_names:
            raise UnknownName.among("class", named, class_names)
        return list(class_names).index(named)
    unhealthy = [i for i, name in enumerate(class_names) if name.lower() not in HEALTHY]
    return unhealthy[-1] if unhealthy else len(class_names) - 1


def labels_of(samples: Sequence[Sample]) -> np.ndarray:
    """Return the labels, `(samples,)` int."""
    return np.array([s.label for s in samples], dtype=np.int64)
