"""Everything that is computed while the images pass by once, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from zoo.base.explanations import Attribution
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.overview import marker, occlusion
from zoo.interpret.overview.mean_maps import Averager, MeanMaps
from zoo.interpret.overview.regions import REGIONS, Box
from zoo.interpret.overview.sampling import Batch


@dataclass(frozen=True, eq=False)
class Passed:
    """What was computed of n images.

    `logits` is `(n, classes)`, `embeddings` `(n, features)`; `labels` and `predicted` are `(n,)`
    int; `refused`, `patients` and `names` are `(n,)` str; `lungs` is `(n,)` bool, whether they are
    known. `hidden` holds by region logits and areas as `occlusion.answers` gives them, `marked`
    logits by kind and corner of the marker.
    """

    logits: np.ndarray
    embeddings: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    refused: np.ndarray
    patients: np.ndarray
    names: np.ndarray
    lungs: np.ndarray
    hidden: dict[str, tuple[np.ndarray, np.ndarray]]
    marked: dict[tuple[str, str], np.ndarray]
    means: MeanMaps


def run_through(interpreter: Interpreter, batches: Iterable[Batch], frame: Box | None) -> Passed:
    """Answer, explain, hide and mark each image; memory holds one batch and what it gave.

    Of the explanations those that are maps are averaged, in the `frame` where there is one.
    """
    averager = Averager(frame)
    parts = [_passed(interpreter, batch, averager) for batch in batches]

    def joined(name: str) -> np.ndarray:
        return np.concatenate([part[name] for part in parts])

    return Passed(
        **{name: joined(name) for name in _EACH},
        hidden={
            region: (joined(f"hidden {region}"), joined(f"area {region}")) for region in REGIONS
        },
        marked={
            (kind, corner): joined(f"{kind} {corner}")
            for kind in marker.KINDS
            for corner in marker.CORNERS
        },
        means=averager.result(),
    )


_EACH = ("logits", "embeddings", "labels", "predicted", "refused", "patients", "names", "lungs")


def _passed(interpreter: Interpreter, batch: Batch, averager: Averager) -> dict[str, np.ndarray]:
    classifier, images = interpreter.classifier, batch.images
    verdicts = interpreter.answer(images).verdicts
    predicted = [verdict.predicted for verdict in verdicts]
    logits, embeddings = classifier.outputs(images.pixels)
    for row, said in enumerate(interpreter.explanations(images, predicted)):
        maps = [explanation for explanation in said if isinstance(explanation, Attribution)]
        averager.add(
            images.pixels[row], predicted[row], maps, batch.lungs[row], batch.patients[row]
        )
    explanation = {
        "logits": logits,
        "embeddings": embeddings,
        "labels": np.array(batch.labels),
        "predicted": np.array(predicted),
        "refused": np.array([verdict.refused for verdict in verdicts], np.str_),
        "patients": np.array(batch.patients, np.str_),
        "names": np.array(images.names, np.str_),
        "lungs": np.array([mask is not None for mask in batch.lungs]),
    }
    for region, given in occlusion.hidden_answers(classifier, images.pixels, batch.lungs).items():
        explanation[f"hidden {region}"], explanation[f"area {region}"] = given
    for (kind, corner), marked in marker.marked_answers(classifier, images.pixels).items():
        explanation[f"{kind} {corner}"] = marked
    return explanation
