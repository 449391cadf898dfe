"""What classifiers that stand for a network in tests have in common: they see whole pictures."""

from __future__ import annotations

import numpy as np

from zoo.network import frame


class WholePictures:
    """What a classifier without a frame says of boxes, and where maps of what it sees belong."""

    @property
    def inside(self) -> WholePictures:
        return self

    def boxes(self, pixels: np.ndarray) -> np.ndarray:
        return np.tile(frame.WHOLE, (len(pixels), 1))

    def answers(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return (*self.outputs(pixels), self.boxes(pixels))

    def seen(self, pixels: np.ndarray) -> np.ndarray:
        return pixels.astype(np.float32)

    def place(self, maps: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        return np.stack([frame.placed(m, frame.WHOLE, pixels.shape[1:3]) for m in maps])
