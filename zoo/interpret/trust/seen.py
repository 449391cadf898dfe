"""What a network saw of pictures: maps are tested there, so that its box stays where it was.

Outside the box nothing can matter. Maps that were compared on whole pictures would agree there
whatever they show inside, and any map would be better than one drawn by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.data.resampling import cut
from zoo.network.classifier import TrainedClassifier
from zoo.network.frame import found


@dataclass(frozen=True, eq=False)
class Seen:
    """What is in the boxes `(batch, 4)` of pictures, `(batch, height, width, channels)` uint8.

    `classifier` is the network behind the frame, which takes such pixels.
    """

    classifier: TrainedClassifier
    pixels: np.ndarray
    boxes: np.ndarray

    def maps(self, values: np.ndarray) -> np.ndarray:
        """Return what `(batch, height, width)` maps of the whole pictures show in the boxes."""
        return within(values, self.boxes, self.pixels.shape[1:3])

    def masks(self, masks: Sequence[np.ndarray | None]) -> list[np.ndarray | None]:
        """Return which part of what is seen lies in each mask of a whole picture."""
        return [
            None
            if mask is None
            else within(mask[None].astype(np.float32), box[None], self.pixels.shape[1:3])[0] >= 0.5
            for mask, box in zip(masks, self.boxes, strict=True)
        ]


def seen_by(classifier: TrainedClassifier, pixels: np.ndarray) -> Seen:
    """Return what a classifier sees of `(batch, height, width, channels)` uint8 pictures."""
    boxes = classifier.boxes(pixels)
    if classifier.inside is classifier:
        return Seen(classifier, pixels, boxes)
    shown = np.rint(classifier.seen(pixels)).astype(np.uint8)
    return Seen(classifier.inside, shown, boxes)


def within(values: np.ndarray, boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut `(batch, height, width)` maps to boxes and a size; where all is seen they may fit."""
    if values.shape[1:3] == tuple(size) and not found(boxes).any():
        return values
    return np.asarray(cut(values[..., None], boxes, size))[..., 0]
