"""What a network gives to the images of a data set, streamed from where they are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from zoo.base.errors import DamagedRun
from zoo.base.progress import SILENT, Progress, track
from zoo.base.types import Dataset, Sample
from zoo.data.pipeline import batches, reading_errors
from zoo.network.classifier import TrainedClassifier
from zoo.network.engines.classifier import EngineClassifier
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

    def corrected(
        self,
        rows: np.ndarray,
        classifier: TrainedClassifier,
        dataset: Dataset,
        samples: Sequence[Sample],
    ) -> Outputs:
        """Return these with what another classifier gives in the `rows`, numbers of samples."""
        if not len(rows):
            return self
        again = outputs_of(classifier, dataset, [samples[row] for row in rows], SILENT)
        corrected = Outputs(*map(np.array, self))
        for values, right in zip(corrected, again, strict=True):
            values[rows] = right
        return corrected


def check_finite(names: Sequence[str], **values: np.ndarray) -> None:
    """Refuse what a network gives to images where it is no number.

    `values` are arrays with a row for each of the images of these names.

    Raises:
        DamagedRun: with the first value and image.
    """
    for kind, rows in values.items():
        wrong = ~np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)
        if wrong.any():
            raise DamagedRun(
                f"The network gives {kind} that are not finite, first to "
                f"'{names[int(wrong.argmax())]}': its weights are damaged, or its training went "
                "astray. Train it again, with a lower learning_rate."
            )


def outputs_of(
    classifier: TrainedClassifier | EngineClassifier,
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

    Raises:
        DamagedRun: the network gives what is no number.
    """
    streamed = batches(dataset, samples, classifier.input_shape)
    parts, start = [], 0
    with reading_errors():
        for batch in track(progress, streamed, title, len(streamed)):
            pixels = batch.numpy()
            if changed is not None:
                pixels = changed(pixels, samples[start : start + len(pixels)])
            start += len(pixels)
            logits, embeddings, boxes = classifier.answers(pixels)
            parts.append((logits, embeddings, novelty.shapes(pixels), boxes))
    outputs = Outputs(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    names = [sample.name for sample in samples]
    check_finite(names, logits=outputs.logits, embeddings=outputs.embeddings)
    return outputs
