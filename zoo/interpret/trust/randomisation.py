"""Does a heat map depend on what the network learned? Maps of shuffled networks tell."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from zoo.base.digests import digest_bytes
from zoo.base.errors import NotWritten
from zoo.base.explanations import Attribution, Explainer, Reference
from zoo.base.files import write_json
from zoo.base.pictures import images as pictures
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.types import Images
from zoo.interpret.methods import asked
from zoo.interpret.trust.copies import RANDOM_NETWORKS, WHOLE, Copies
from zoo.interpret.trust.seen import within
from zoo.interpret.trust.similarity import rank_correlation, ssim
from zoo.network.classifier import TrainedClassifier
from zoo.runs.run_folder import CASES, MODEL, Run

VERSION = 3
"""Raised whenever the measurement changes, so that kept results expire."""
FOLDER = "trust"
IMAGES, FEWEST = 8, 2
"""Images that are compared: so many, and so few where a method is slow."""
SECONDS = 90.0
"""What the maps of one method may take together, the making of the copies not counted."""
CHEAPER = {"evaluations": 64, "samples": 8, "steps": 8, "budget": 2.0}
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


def of_run(
    run: Run,
    explainer: Explainer,
    options: Mapping[str, Any],
    classifier: TrainedClassifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None,
    copies: Copies | None = None,
) -> Randomisation | None:
    """Measure a method on a run once, and keep the result in the run's folder `trust`.

    Pictures of the run's own cases are used, or `images` when it keeps none. None for a method that
    gives no maps. `copies` are those of `copies_of`; give them when several methods are measured.
    """
    path = run.path / FOLDER / f"{quote(explainer.name, safe='+')}.json"
    key = {
        "version": VERSION,
        "method": explainer.name,
        "origin": explainer.origin,
        "options": dict(options),
        "files": {name: run.record.get("files", {}).get(name, "") for name in (MODEL, CASES)},
    }
    if (known := _read(path, key)) is not None:
        return known
    cases = known_images(reference, classifier.input_shape)
    if cases is not None:
        images = cases
        targets = classifier.logits(images.pixels).argmax(axis=1).tolist()
    result = randomisation_test(explainer, options, classifier, images, targets, reference, copies)
    if result is not None:
        with contextlib.suppress(NotWritten):  # a run that may only be read is measured each time
            told = result.to_record()
            write_json(path, {**key, "result": told, "digest": _digest(told)})
    return result


def randomisation_test(
    explainer: Explainer,
    options: Mapping[str, Any],
    classifier: TrainedClassifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None,
    copies: Copies | None = None,
) -> Randomisation | None:
    """Compare a method's maps of a network with those of its shuffled copies, on a few images.

    None when the method gives no maps.

    Source: Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, *Sanity Checks for Saliency Maps*,
    2018.
    """
    options = cheaper(options)
    images, targets = first(images, targets, IMAGES)
    # A classifier remembers its answers to arrays that cannot change; here its weights change.
    images = replace(images, pixels=images.pixels.copy())
    copies = copies or Copies(classifier, images.pixels)
    boxes, size = classifier.boxes(images.pixels), classifier.inner.input_shape[1:3]

    def maps(network: TrainedClassifier) -> np.ndarray:
        explanations = asked(explainer, network, images, targets, reference, options)
        drawn = np.array(
            [np.nan_to_num(m.values) for m in explanations if isinstance(m, Attribution)]
        )
        return within(drawn, boxes[: len(drawn)], size) if len(drawn) else drawn

    one, target = first(images, targets, 1)
    seconds = explaining_seconds(explainer, options, classifier, one, target, reference)
    networks = len(copies.cascade) + RANDOM_NETWORKS + 1
    images, targets = first(images, targets, max(FEWEST, int(SECONDS / (seconds * networks))))
    if not len(trained := maps(classifier)):
        return None
    cascade = [maps(copies.at(stage)) for stage in copies.cascade]
    random = [maps(copies.at(stage)) for stage in copies.random]

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
    stages = (*(stage.name for stage in copies.cascade), WHOLE)
    return Randomisation(
        stages, structure, rank, null_ssim, null_rank, rank[-1] < ALIKE, len(targets)
    )


def copies_of(classifier: TrainedClassifier, images: Images, reference: Reference | None) -> Copies:
    """Return the copies that all methods can be measured with; none is made before it is needed."""
    cases = known_images(reference, classifier.input_shape)
    return Copies(classifier, (images if cases is None else cases).pixels[:IMAGES])


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


def _digest(result: Mapping[str, Any]) -> str:
    return digest_bytes(json.dumps(result, sort_keys=True).encode())


def _read(path: Path, key: Mapping[str, Any]) -> Randomisation | None:
    try:
        kept = json.loads(path.read_text("utf-8"))
        same = all(kept[name] == value for name, value in key.items())
        if same and kept["digest"] == _digest(kept["result"]):
            return Randomisation.from_record(kept["result"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # absent, damaged or of another time: measure again
    return None
