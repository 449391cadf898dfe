"""Whether an exported network answers as the original does, on real images."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.base.errors import BadInput
from zoo.base.explanations import Reference
from zoo.base.pictures.images import read_image
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.types import Dataset
from zoo.network.classifier import TrainedClassifier
from zoo.network.export_formats import LOGITS, OUTPUTS, PROBABILITIES, ExportedNetwork
from zoo.stats.probabilities import softmax

TOLERANCE = 1e-4
"""How far a probability may be off, and a logit as a share of the largest (of 1 at least)."""


def compare_logits(
    original: TrainedClassifier, exported: ExportedNetwork, pixels: np.ndarray, kind: str
) -> tuple[float, float]:
    """Return the largest difference of a probability and of a logit.

    The export is asked for one image alone and for the others at once: any number must do.

    Raises:
        BadInput: either is larger than `TOLERANCE` allows.
    """
    logits = original.logits(pixels)
    wanted = {LOGITS: logits, PROBABILITIES: softmax(logits / original.temperature)}
    parts = [exported(part.astype(np.float32)) for part in (pixels[:1], pixels[1:]) if len(part)]
    off = {
        name: largest(np.concatenate([part[name] for part in parts]), wanted[name])
        for name in OUTPUTS
    }
    scale = max(1.0, float(np.abs(logits).max()))
    for name, difference, share in (
        ("probability", off[PROBABILITIES], off[PROBABILITIES]),
        ("logit", off[LOGITS], off[LOGITS] / scale),
    ):
        if not share <= TOLERANCE:  # so that not-a-number is refused, too
            raise BadInput(
                f"The '{kind}' export answers otherwise than the original: on {len(pixels)} images "
                f"a {name} is off by {difference:.2g}, more than {TOLERANCE:g} allows. It was "
                "removed; export another format."
            )
    return off[PROBABILITIES], off[LOGITS]


def sample_pictures(
    dataset: Dataset | None, reference: Reference, shape: tuple[int, int, int], count: int
) -> tuple[np.ndarray, str]:
    """Return at most `count` images `(images, height, width, channels)` and where they are from."""
    if dataset is not None:
        size = (shape[0], shape[1])
        chosen = [dataset.read(dataset.samples[i], size) for i in _spread(dataset.samples, count)]
        told = f"of the data '{dataset.source}'"
    elif reference.thumbnails:
        pictures = reference.thumbnails
        chosen = [read_image(pictures[i], shape[:2]) for i in _spread(pictures, count)]
        told = "small pictures of training cases that the run keeps, enlarged"
    else:
        noise = np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)
        return noise, "random noise, since the run keeps no pictures (name real ones with --data)"
    return np.stack([to_channels(pixels, shape[2]) for pixels in chosen]), told


def largest(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest absolute difference of two arrays."""
    return float(np.abs(one.astype(np.float64) - other).max())


def _spread(items: tuple[Any, ...], count: int) -> list[int]:
    """Return at most `count` places, evenly spread."""
    return np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).astype(int)).tolist()
