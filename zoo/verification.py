"""Read every image of a data set once before it is trusted: which are whole, and which content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from zoo.errors import BadInput
from zoo.pipeline import in_parallel
from zoo.progress import Progress, track
from zoo.types import Dataset, Sample

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
