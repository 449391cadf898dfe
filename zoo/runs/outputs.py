"""What a network gives to the images of a data set, streamed from where they are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from zoo.base.progress import Progress, track
from zoo.base.types import Dataset, Sample
from zoo.data.pipeline import batches, reading_errors
from zoo.network.classifier import TrainedClassifier
from zoo.runs import novelty


class Outputs(NamedTuple):
    """Arrays with a row for each image: all that is needed to decide about it.

    `logits` is `(images, classes)`, `embeddings` `(images, features)`, `shapes` `(images, 128)`
    describes the picture whatever was learned, `boxes` `(images, 4)` is what was seen of it.
    """

    logits: np.ndarray
    embeddings: np.ndarray
    shapes: np.ndarray
    boxes: np.ndarray


def outputs_of(
    classifier: TrainedClassifier,
    dataset: Dataset,
    samples: Sequence[Sample],
    progress: Progress,
    *,
    title: str = "evaluating",
    changed: Callable[[np.ndarray, Sequence[Sample]], np.ndarray] | None = None,
) -> Outputs:
    """Ask the network about the samples, in order, batch by batch.

    `changed` gets each batch, `(batch, height, width, channels)` uint8, with its samples, and
    returns what the network is asked about instead.
    """
    streamed = batches(dataset, samples, classifier.input_shape)
    parts, start = [], 0
    with reading_errors():
        for batch in track(progress, streamed, title, len(streamed)):
            pixels = batch.numpy()
            if changed is not None:
                pixels = changed(pixels, samples[start : start + len(pixels)])
            start += len(pixels)
            pixels.flags.writeable = False  # one pass then serves all that is asked
            logits, embeddings = classifier.outputs(pixels)
            parts.append((logits, embeddings, novelty.shapes(pixels), classifier.boxes(pixels)))
    return Outputs(*(np.concatenate(part) for part in zip(*parts, strict=True)))
