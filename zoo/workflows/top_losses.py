"""The worst errors of an evaluation, each with what moved the network."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.base.explanations import Attribution, Reference
from zoo.base.parallel import in_parallel
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.registry import Registry
from zoo.base.types import Images, Sample
from zoo.data.proportions import read_shaped
from zoo.interpret.choice import serves
from zoo.interpret.methods import BrokenMethod, explained
from zoo.network.classifier import TrainedClassifier
from zoo.report.cases.overlays import overlay_jpeg, picture_jpeg
from zoo.runs.reference import keeps_pictures
from zoo.runs.run_folder import Run
from zoo.runs.selection import Selection
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.probabilities import decide, softmax

SHOWN = 12


def worst(
    outputs: LabelledLogits, temperature: float, positive: int, threshold: float | None
) -> list[int]:
    """Return the rows of the wrong answers with the greatest cross-entropy, at most 12."""
    probabilities = softmax(outputs.logits / temperature)
    wrong = np.flatnonzero(decide(probabilities, positive, threshold) != outputs.labels)
    return wrong[np.argsort(_losses(probabilities, outputs.labels)[wrong])[::-1][:SHOWN]].tolist()


def top_losses(
    run: Run,
    classifier: TrainedClassifier,
    selection: Selection,
    outputs: LabelledLogits,
    threshold: float | None,
    registry: Registry,
    cases: Reference,
) -> list[dict[str, Any]]:
    """Return the worst errors as name, label, predicted, probability, loss, picture and map.

    The probability is that of the class that was named; picture and map are JPEG files, or None
    when the run keeps no pictures. The map is that of the first default method that draws one, for
    the class that was named.
    """
    probabilities = softmax(outputs.logits / run.temperature)
    decided = decide(probabilities, classifier.positive, threshold)
    losses = _losses(probabilities, outputs.labels)
    rows = worst(outputs, run.temperature, classifier.positive, threshold)
    if not rows:
        return []
    chosen = [selection.samples[row] for row in rows]
    pictures: list[tuple[bytes | None, bytes | None]] = [(None, None)] * len(rows)
    if keeps_pictures(run.record["recipe"]):
        pictures = _pictures(classifier, selection, chosen, decided[rows].tolist(), registry, cases)
    return [
        {
            "name": sample.name,
            "label": run.class_names[sample.label],
            "predicted": run.class_names[int(decided[row])],
            "probability": float(probabilities[row, decided[row]]),
            "loss": float(losses[row]),
            "picture": picture,
            "map": drawn,
        }
        for row, sample, (picture, drawn) in zip(rows, chosen, pictures, strict=True)
    ]


def _losses(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12))


def _pictures(
    classifier: TrainedClassifier,
    selection: Selection,
    chosen: list[Sample],
    targets: list[int],
    registry: Registry,
    cases: Reference,
) -> list[tuple[bytes | None, bytes | None]]:
    """Return the picture of each sample and the map drawn over it, where a method draws one."""
    height, width, channels = classifier.input_shape
    dataset = selection.verified.dataset
    read = list(in_parallel(lambda s: read_shaped(dataset, s, (height, width)), chosen))
    shapes = tuple(shape for _, shape in read)
    images = Images(
        np.stack([to_channels(pixels, channels) for pixels, _ in read]),
        tuple(s.name for s in chosen),
        tuple(s.patient for s in chosen),
        tuple(selection.verified.digests[s.name] for s in chosen),
        shapes,
    )
    maps = _maps(registry, classifier, images, targets, cases)
    return [
        (
            picture_jpeg(picture, shape=shape),
            None if drawn is None else overlay_jpeg(picture, drawn, shape=shape),
        )
        for picture, shape, drawn in zip(images.pixels, shapes, maps, strict=True)
    ]


def _maps(
    registry: Registry,
    classifier: TrainedClassifier,
    images: Images,
    targets: list[int],
    cases: Reference,
) -> list[Attribution | None]:
    for explainer in registry.explainers.values():
        if not explainer.default or not serves(explainer, classifier):
            continue
        options = {name: option.default for name, option in explainer.options.items()}
        try:
            given = explained(explainer, classifier, images, targets, cases, options)
        except BrokenMethod:  # the next one draws them
            continue
        drawn = [e for e in given if isinstance(e, Attribution)]
        if len(drawn) == len(targets):
            return list(drawn)
    return [None] * len(targets)
