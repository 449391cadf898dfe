"""Does a heat map stay what it is when nothing changes that an eye could see?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.base.explanations import Attribution, Explainer, Reference
from zoo.base.types import Images
from zoo.data.pipeline import PREDICTION_BATCH
from zoo.interpret.methods import asked
from zoo.interpret.trust.seen import within
from zoo.interpret.trust.similarity import rank_correlation
from zoo.network.classifier import TrainedClassifier

TRIES = 3
REPEATS = 2
SEED = "seed"
"""The option by which an explainer says that its maps depend on random numbers."""


@dataclass(frozen=True)
class Stability:
    """Rank correlation of an image's map with its maps in other tries, mean over the tries.

    `noise`: the image was changed by at most one gray level in each pixel. `repeat`: the method
    drew other random numbers; None where it draws none. 1: the same order of pixels; 0: another
    map. Either is None where it was not tried; `tries` and `repeats` are how often it was.
    """

    noise: float | None
    repeat: float | None
    tries: int = TRIES
    repeats: int = REPEATS


def stability_test(
    explainer: Explainer,
    options: Mapping[str, Any],
    classifier: TrainedClassifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None,
    maps: np.ndarray,
    *,
    tries: int = TRIES,
    repeats: int = REPEATS,
    noisy: Noisy | None = None,
) -> list[Stability]:
    """Explain each image again, `tries` times with noise and `repeats` times with other seeds.

    `maps` is `(batch, height, width)`: what the method gave with the same options. Give the same
    `noisy` when several methods are tried on the same images.
    """
    noisy = noisy or Noisy(images)
    boxes = classifier.boxes(images.pixels)
    size = classifier.inner.input_shape[1:3]
    shown_before = within(maps, boxes, size)

    def likeness(shown: Images, settings: Mapping[str, Any]) -> list[np.ndarray]:
        """Return `(batch,)` for each time that the images are among those that are shown."""
        times = len(shown.names) // len(targets)
        wanted = [*targets] * times
        explanations = asked(explainer, classifier, shown, wanted, reference, settings)
        again = np.stack([one.values for one in explanations if isinstance(one, Attribution)])
        again = within(np.nan_to_num(again), np.tile(boxes, (times, 1)), size)
        return [rank_correlation(shown_before, one) for one in np.split(again, times)]

    changed = [one for shown in noisy.tries(tries) for one in likeness(shown, options)]
    other: list[np.ndarray] = []
    if SEED in explainer.options:
        own_seed = int(options.get(SEED, explainer.options[SEED].default))
        for i in range(repeats):
            other += likeness(images, {**options, SEED: own_seed + 1 + i})
    return [
        Stability(_mean(changed, i), _mean(other, i), len(changed), len(other))
        for i in range(len(targets))
    ]


class Noisy:
    """Images with noise of one gray level, made once for all methods that are tried with them.

    Tries are put side by side, as many as a classifier takes and remembers at once. Their pixels
    cannot be written to, so that what it computes for one method serves the next.
    """

    def __init__(self, images: Images) -> None:
        self._images = images
        self._made: dict[int, list[Images]] = {}

    def tries(self, count: int) -> list[Images]:
        """Return the images `count` times, each time with other noise, in parts of whole tries."""
        if count not in self._made:
            at_once = max(1, PREDICTION_BATCH // max(1, len(self._images.names)))
            seeds = [
                range(start, min(start + at_once, count)) for start in range(0, count, at_once)
            ]
            self._made[count] = [self._with_noise(part) for part in seeds]
        return self._made[count]

    def _with_noise(self, seeds: Sequence[int]) -> Images:
        """Add -1, 0 or 1 to each pixel's gray level: half a level is lost when one is displayed.

        In a try every image gets the same noise, so that what is measured of one does not depend on
        the others.
        """
        images, times = self._images, len(seeds)
        height, width = images.pixels.shape[1:3]
        pixels = images.pixels.astype(np.int16)
        tries = []
        for seed in seeds:
            noise = np.random.default_rng(seed).integers(-1, 2, (height, width, 1))
            tries.append(np.clip(pixels + noise, 0, 255).astype(np.uint8))
        changed = np.concatenate(tries)
        changed.flags.writeable = False
        return Images(
            changed, images.names * times, images.patients * times, images.digests * times
        )


def _mean(tries: Sequence[np.ndarray], image: int) -> float | None:
    return float(np.mean([values[image] for values in tries])) if tries else None
