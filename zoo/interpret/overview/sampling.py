"""Which images are looked at, and how they are read with their lung masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.base.parallel import in_parallel
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.types import Images, Sample
from zoo.data.masks import Masks
from zoo.data.pipeline import PREDICTION_BATCH
from zoo.data.proportions import read_shaped
from zoo.data.verify import Verified
from zoo.interpret.overview.regions import Box, bounding_box, mean_box


def stratified(samples: Sequence[Sample], limit: int, seed: int) -> tuple[Sample, ...]:
    """Choose at most `limit` samples, as evenly of each class as there are, in their order.

    A rare class is taken whole before a frequent one fills what is left.
    """
    labels = np.array([s.label for s in samples])
    random = np.random.default_rng(seed)
    place = np.empty(len(samples), int)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        place[members] = np.arange(len(members))
    return tuple(samples[row] for row in np.sort(np.argsort(place, kind="stable")[:limit]))


@dataclass(frozen=True, eq=False)
class Batch:
    """Some images with their classes and, where they are known, their lungs.

    `lungs[i]` is `(height, width)` bool, or None.
    """

    images: Images
    labels: tuple[int, ...]
    patients: tuple[str, ...]
    lungs: tuple[np.ndarray | None, ...]


class Reader:
    """Reads images and their lung masks at the input size of a network."""

    def __init__(
        self, verified: Verified, masks: Masks | None, input_shape: tuple[int, int, int]
    ) -> None:
        self.verified, self.masks = verified, masks
        self.height, self.width, self.channels = input_shape

    def frame(self, samples: Sequence[Sample]) -> Box | None:
        """Return the mean bounding box of the lungs; None without masks."""
        boxes = [bounding_box(m) for m in in_parallel(self.mask, samples) if m is not None]
        return mean_box([box for box in boxes if box is not None])

    def batches(self, samples: Sequence[Sample]) -> Iterator[Batch]:
        """Yield the samples in order, a batch at a time."""
        for start in range(0, len(samples), PREDICTION_BATCH):
            batch = samples[start : start + PREDICTION_BATCH]
            names, patients = tuple(s.name for s in batch), tuple(s.patient for s in batch)
            digests = tuple(self.verified.digests[name] for name in names)
            read = list(in_parallel(self.read, batch))
            pixels = np.stack([one for one, _ in read])
            yield Batch(
                Images(pixels, names, patients, digests, tuple(shape for _, shape in read)),
                tuple(s.label for s in batch),
                patients,
                tuple(in_parallel(self.mask, batch)),
            )

    def read(self, sample: Sample) -> tuple[np.ndarray, tuple[int, int] | None]:
        """Read one image, `(height, width, channels)` uint8, and the shape it has upright."""
        read, shape = read_shaped(self.verified.dataset, sample, (self.height, self.width))
        return to_channels(read, self.channels), shape

    def mask(self, sample: Sample) -> np.ndarray | None:
        """Read where the lungs are, `(height, width)` bool; None where no mask shows any."""
        if self.masks is None:
            return None
        mask = self.masks(sample, (self.height, self.width))
        return mask if mask is not None and mask.any() else None
