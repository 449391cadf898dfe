"""Does a heat map depend on what the network learned? Maps of shuffled networks tell."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from zoo.base.explanations import Attribution, Explainer, Reference
from zoo.base.pictures import images as pictures
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.types import Images
from zoo.interpret.methods import asked
from zoo.interpret.trust.copies import WHOLE, Copies
from zoo.interpret.trust.seen import within
from zoo.interpret.trust.similarity import rank_correlation, ssim
from zoo.network.classifier import TrainedClassifier

VERSION = 4
"""Raised whenever the measurement changes, so that kept results expire."""
IMAGES, FEWEST = 8, 2
"""Images that are compared: so many, and so few where a method is slow."""
SECONDS = 4.0
"""What the maps of one method may take together, the making of the copies not counted. Where that
is too little for the fewest images at all depths, networks without a trained weight alone are
asked: they decide."""
CHEAPER = {"evaluations": 64, "samples": 8, "steps": 8, "budget": 2.0, "max_channels": 8}
"""What these options are lowered to here: coarse maps tell as well whether the weights count."""
ALIKE = 0.7
"""Rank correlation with the maps of random networks from which a method ignores the weights.

Its square is the share of the map (of its ranks) that is the same whatever the weights are: from
0.7 up, about half. So its sign does not count: a map that is turned round, as when random weights
only change the sign of a score, marks the same places by the same image. A map that ignores the
weights, such as the edges of the image, has 1. A map that depends on them is near the null, the
likeness that random networks have among themselves because they see the same image.
"""

Interval = tuple[float, float, float]


@dataclass(frozen=True)
class Randomisation:
    """How alike a method's maps stay while the network is shuffled, mean over the images.

    `stages` names the layer down to which the network was shuffled, `ssim` (-1 to 1) and `rank` (0
    to 1: the rank correlation without its sign) are the likeness to the trained network's maps
    there; at the last stage nothing trained is left, and the mean over several such networks is
    taken. `null_ssim` and `null_rank` are the
    likeness of the maps of pairs of such networks: the mean, and the range of the middle 95 %.
    """

    stages: tuple[str, ...]
    ssim: tuple[float, ...]
    rank: tuple[float, ...]
    null_ssim: Interval
    null_rank: Interval
    depends: bool
    images: int

    def to_record(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Randomisation:
        """Read what `to_record` gave; raises KeyError or TypeError when it is not that."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value := record[name], list) else value
            for name in cls.__dataclass_fields__
        }
        return cls(**values)


def randomisation_test(
    explainers: Sequence[Explainer],
    options: Mapping[str, Mapping[str, Any]],
    classifier: TrainedClassifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None,
) -> dict[str, Randomisation | None]:
    """Compare methods' maps of a network with those of its shuffled copies, on a few images.

    None for a method that gives no maps. Each copy is made once, and one pass through it serves all
    methods that ask for gradients.

    Source: Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, *Sanity Checks for Saliency Maps*,
    2018.
    """
    images, targets = first(images, targets, IMAGES)
    copies = Copies(classifier, images.pixels)
    boxes, size = classifier.boxes(images.pixels), classifier.inner.input_shape[1:3]
    settings = {one.name: cheaper(options[one.name]) for one in explainers}
    one, target = first(images, targets, 1)
    one = _shown_to(classifier, explainers, one, target)  # what is shared is no method's own time
    costs = {
        explainer.name: explaining_seconds(
            explainer, settings[explainer.name], classifier, one, target, reference
        )
        for explainer in explainers
    }
    random_alone = 1 + len(copies.random)
    all_depths = random_alone + len(copies.cascade)
    slow = {name for name, cost in costs.items() if cost * FEWEST * all_depths > SECONDS}
    counts = {
        name: _affordable(cost, random_alone if name in slow else all_depths)
        for name, cost in costs.items()
    }

    def maps(network: TrainedClassifier, asked_now: Sequence[Explainer]) -> dict[str, np.ndarray]:
        shown = _shown_to(network, asked_now, images, targets)
        drawn = {}
        for explainer in asked_now:
            name = explainer.name
            count = counts[name]
            some = (shown, targets) if count >= len(targets) else first(shown, targets, count)
            given = asked(explainer, network, *some, reference, settings[name])
            values = [np.nan_to_num(m.values) for m in given if isinstance(m, Attribution)]
            if values:
                drawn[name] = within(np.array(values), boxes[: len(values)], size)
        return drawn

    trained = maps(classifier, explainers)
    explainers = [explainer for explainer in explainers if explainer.name in trained]
    quick = [explainer for explainer in explainers if explainer.name not in slow]
    cascade = [maps(copies.at(stage), quick) for stage in copies.cascade] if quick else []
    random = [maps(copies.at(stage), explainers) for stage in copies.random] if explainers else []
    names = [stage.name for stage in copies.cascade]
    found: dict[str, Randomisation | None] = dict.fromkeys(settings)
    for name, of_trained in trained.items():
        of_random = [stage[name] for stage in random]
        of_cascade = [] if name in slow else [stage[name] for stage in cascade]
        depths = (*names[: len(of_cascade)], WHOLE)
        found[name] = _compared(depths, of_trained, of_cascade, of_random)
    return found


def _compared(
    stages: tuple[str, ...],
    trained: np.ndarray,
    cascade: Sequence[np.ndarray],
    random: Sequence[np.ndarray],
) -> Randomisation:
    """Compare a method's maps, each `(batch, height, width)`, with those of the trained network."""
    structure, rank = (
        (
            *(float(alike(trained, stage).mean()) for stage in cascade),
            float(np.mean([alike(trained, one) for one in random])),
        )
        for alike in (ssim, _rank)
    )
    null_ssim, null_rank = (
        _interval(np.concatenate([alike(*pair) for pair in itertools.combinations(random, 2)]))
        for alike in (ssim, _rank)
    )
    return Randomisation(
        stages, structure, rank, null_ssim, null_rank, rank[-1] < ALIKE, len(trained)
    )


def _shown_to(
    network: TrainedClassifier,
    explainers: Sequence[Explainer],
    images: Images,
    targets: Sequence[int],
) -> Images:
    """Return a copy of images of which a network in one state has remembered the gradients.

    A classifier knows an array again that cannot change, but not that its weights have changed: so
    each state is shown an array of its own.
    """
    pixels = images.pixels.copy()
    pixels.flags.writeable = False
    if wanted := asked_gradients(explainers):
        network.gradients(pixels, targets, by_pixels="pixels" in wanted)
    return replace(images, pixels=pixels)


def asked_gradients(explainers: Sequence[Explainer]) -> set[str]:
    """Return by what the methods will ask to differentiate."""
    return {explainer.gradients for explainer in explainers} - {""}


def _affordable(seconds: float, networks: int) -> int:
    """Return how many images are explained where one takes so long, of so many networks each."""
    return max(FEWEST, min(IMAGES, int(SECONDS / (max(seconds, 1e-6) * networks))))


def known_images(reference: Reference | None, input_shape: tuple[int, int, int]) -> Images | None:
    """Enlarge a few of the run's pictures, of all classes, to the input; None if it keeps none."""
    if reference is None or not reference.thumbnails:
        return None
    by_class = np.argsort(reference.labels, kind="stable")
    count = min(IMAGES, len(by_class))
    rows = by_class[np.linspace(0, len(by_class) - 1, count).round().astype(int)]
    size = input_shape[:2]
    pixels = [pictures.read_image(reference.thumbnails[row], size) for row in rows]
    return Images(
        to_channels(np.stack(pixels), input_shape[2]),
        tuple(reference.names[row] for row in rows),
        tuple(reference.patients[row] for row in rows),
        tuple(reference.digests[row] for row in rows),
    )


def cheaper(options: Mapping[str, Any]) -> dict[str, Any]:
    """Lower the options that a method's time follows from; 0 (as much as fits) is lowered, too."""
    return {
        name: CHEAPER[name] if name in CHEAPER and not 0 < value <= CHEAPER[name] else value
        for name, value in options.items()
    }


def explaining_seconds(
    explainer: Explainer,
    options: Mapping[str, Any],
    classifier: TrainedClassifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None,
    calls: int = 2,
) -> float:
    """Measure the quickest of a few calls: the first one also makes the method ready."""
    taken = []
    for _ in range(calls):
        begun = time.perf_counter()
        asked(explainer, classifier, images, targets, reference, options)
        taken.append(time.perf_counter() - begun)
    return min(taken)


def first(images: Images, targets: Sequence[int], count: int) -> tuple[Images, Sequence[int]]:
    """Return the first `count` images and their targets."""
    rows = slice(count)
    return Images(
        images.pixels[rows], images.names[rows], images.patients[rows], images.digests[rows]
    ), targets[rows]


def _rank(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the rank correlation of pairs of maps without its sign: see `ALIKE`."""
    return np.abs(rank_correlation(a, b))


def _interval(values: np.ndarray) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)
