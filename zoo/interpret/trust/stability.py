"""Does a heat map stay what it is when nothing changes that an eye could see?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoo.base.explanations import Attribution, Explainer, Reference
from zoo.base.types import Images
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
    map. Either is None where it was not tried.
    """

    noise: float | None
    repeat: float | None


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
) -> list[Stability]:
    """Explain each image again, `tries` times with noise and `repeats` times with other seeds.

    `maps` is `(batch, height, width)`: what the method gave with the same options.
    """
    boxes = classifier.boxes(images.pixels)
    size = classifier.inner.input_shape[1:3]
    shown_before = within(maps, boxes, size)

    def likeness(shown: Images, settings: Mapping[str, Any]) -> np.ndarray:
        explanations = asked(explainer, classifier, shown, targets, reference, settings)
        again = np.stack([one.values for one in explanations if isinstance(one, Attribution)])
        return rank_correlation(shown_before, within(np.nan_to_num(again), boxes, size))

    noisy = [likeness(_with_noise(images, seed), options) for seed in range(tries)]
    other: list[np.ndarray] = []
    if SEED in explainer.options:
        own_seed = int(options.get(SEED, explainer.options[SEED].default))
        other = [likeness(images, {**options, SEED: own_seed + 1 + i}) for i in range(repeats)]
    return [Stability(_mean(noisy, i), _mean(other, i)) for i in range(len(targets))]


def _with_noise(images: Images, seed: int) -> Images:
    """Add -1, 0 or 1 to each pixel's gray level: half a level is lost whenever one is displayed.

    Every image gets the same noise, so that what is measured of one does not depend on the others.
    """
    height, width = images.pixels.shape[1:3]
    noise = np.random.default_rng(seed).integers(-1, 2, (height, width, 1))
    changed = np.clip(images.pixels.astype(np.int16) + noise, 0, 255)
    return replace(images, pixels=changed.astype(np.uint8))


def _mean(tries: Sequence[np.ndarray], image: int) -> float | None:
    return float(np.mean([values[image] for values in tries])) if tries else None
