"""What the last feature map tells of many pictures at once: concepts and factors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from zoo.base.progress import Progress
from zoo.base.types import Sample
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.overview.activations import FEWEST, Pictures, activations, affordable
from zoo.interpret.overview.concepts import Concepts, ConceptTest, all_concepts, no_concepts
from zoo.interpret.overview.factors import Factors, find_factors, no_factors
from zoo.interpret.overview.ready_concepts import READY
from zoo.interpret.overview.sampling import Reader, stratified
from zoo.runs import model_file
from zoo.runs.run_folder import Run

MOST = 120
"""Pictures that concepts are tested on: of each concept ten groups of twelve."""
NO_MAP = "This network has no feature map."


def feature_views(
    interpreter: Interpreter,
    reader: Reader,
    samples: Sequence[Sample],
    folders: Mapping[str, np.ndarray],
    progress: Progress,
    seed: int = 0,
) -> tuple[Concepts, Factors]:
    """Test concepts and find factors on at most 120 of the samples.

    Where masks are not given, lungs are where the run's localiser finds them. What it will take is
    told before it begins.
    """
    classifier, positive = interpreter.classifier, interpreter.run.record["positive"]
    chosen = stratified(samples, MOST, seed)
    most = affordable(classifier, _first(reader, chosen))
    if not most:
        return no_concepts(NO_MAP), no_factors(NO_MAP)
    chosen = stratified(chosen, most, seed)
    if len({sample.patient for sample in chosen}) < FEWEST:
        reason = (
            f"There are images of fewer than {FEWEST} patients."
            if most >= FEWEST
            else "The feature maps of ten images do not fit into memory."
        )
        return no_concepts(reason), no_factors(reason)
    pictures = _pictures(interpreter.run, reader, chosen, positive)
    known = activations(classifier, pictures.pixels, positive)
    test = ConceptTest(classifier, pictures, known, positive, seed)
    if not test.spread or not math.isfinite(test.spread):
        reason = "The score of all images is the same."
        return no_concepts(reason), no_factors(reason)
    concepts = len(READY) + len(folders)
    passes = len(READY) * len(chosen) + sum(map(len, folders.values()))
    progress.note(
        f"Concepts and factors: {concepts} concepts on {len(chosen):,} images, about "
        f"{math.ceil(known.seconds * passes):,} seconds and {known.memory / 1e6:,.0f} MB."
    )
    progress.start("testing concepts", concepts + 1)
    tested = all_concepts(test, folders, progress)
    factors = find_factors(classifier, pictures, known, positive, seed)
    progress.stop()
    return tested, factors


def _first(reader: Reader, samples: Sequence[Sample]) -> np.ndarray:
    return reader.read(samples[0])[0][None]


def known_lungs(
    run: Run, pixels: np.ndarray, masks: Sequence[np.ndarray | None]
) -> Sequence[np.ndarray | None]:
    """Return the masks, or where there is none at all what the run's localiser finds."""
    if any(mask is not None for mask in masks):
        return masks
    finder = model_file.load_finder(run)
    return masks if finder is None else finder(pixels)


def _pictures(run: Run, reader: Reader, samples: Sequence[Sample], positive: int) -> Pictures:
    batches = list(reader.batches(samples))
    pixels = np.concatenate([batch.images.pixels for batch in batches])
    lungs = known_lungs(run, pixels, [mask for batch in batches for mask in batch.lungs])
    labels = np.array([label for batch in batches for label in batch.labels])
    return Pictures(
        pixels,
        tuple(lungs),
        labels,
        labels == positive,
        np.array([patient for batch in batches for patient in batch.patients], np.str_),
        tuple(digest for batch in batches for digest in batch.images.digests),
        tuple(shape for batch in batches for shape in batch.images.shapes),
    )
