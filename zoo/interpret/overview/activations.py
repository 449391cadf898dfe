"""What a network makes of pictures in its last feature map, and how its score depends on that.

The score is the logit of the positive class less that of its strongest rival; with two classes it
is the log-odds. A box that a network looks at is held as it is in the picture as it came.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zoo.base.explanations import Classifier, Gradients
from zoo.data.pipeline import PREDICTION_BATCH
from zoo.data.resampling import cut

FEWEST = 10
"""Pictures with fewer of which nothing is measured: each of ten groups needs one."""
MEMORY = 1.5e9
"""Bytes that feature maps and what is made of them may take."""
COPIES = 8
"""As often as a feature map is held at once: features, slopes, a difference, parts of factors."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Some pictures at the input size of a network, with all that is known of them.

    `pixels` is `(n, height, width, channels)` uint8; `lungs[i]` is `(height, width)` bool or None;
    `truth` is `(n,)` bool, whether the class is the positive one; `labels` are `(n,)` int; `shapes`
    are `(height, width)` upright, or None.
    """

    pixels: np.ndarray
    lungs: tuple[np.ndarray | None, ...]
    labels: np.ndarray
    truth: np.ndarray
    patients: np.ndarray
    digests: tuple[str, ...]
    shapes: tuple[tuple[int, int] | None, ...] = ()


@dataclass(frozen=True, eq=False)
class Activations:
    """What was computed of n pictures; `seconds` is what a pass of one took.

    `features` and `slopes`, the gradient of the score by them, are `(n, rows, columns, channels)`
    float32; `logits` is `(n, classes)`; `boxes` is `(n, 4)`.
    """

    features: np.ndarray
    slopes: np.ndarray
    logits: np.ndarray
    boxes: np.ndarray
    seconds: float = 0.0

    @property
    def memory(self) -> int:
        """Return the bytes that working with them takes."""
        return COPIES * self.features.nbytes


def score(logits: np.ndarray, positive: int) -> np.ndarray:
    """Return `(n,)` float64: the logit of the positive class less the highest of the others."""
    logits = logits.astype(np.float64)
    return logits[:, positive] - np.delete(logits, positive, axis=1).max(axis=1)


def affordable(classifier: Classifier, pixels: np.ndarray) -> int:
    """Return of how many pictures the feature maps may be held; 0 of a network without a map."""
    if not classifier.differentiable:
        return 0
    one = classifier.inside.gradients(classifier.seen(pixels[:1]), [0]).features
    return 0 if one is None else int(MEMORY // (COPIES * one.nbytes))


def activations(classifier: Classifier, pixels: np.ndarray, positive: int) -> Activations:
    """Compute features and slopes of `(n, height, width, channels)` pictures, two passes each.

    Of a network with a feature map; see `affordable`.
    """
    boxes, inside = classifier.boxes(pixels), classifier.inside
    features, slopes, logits = [], [], []
    seconds = 0.0
    for seen in _batches(classifier, pixels, boxes):
        up = inside.gradients(seen, [positive] * len(seen))
        others = up.logits.copy()
        others[:, positive] = -np.inf
        begun = time.perf_counter()
        down = inside.gradients(seen, others.argmax(axis=1).tolist())
        seconds += time.perf_counter() - begun
        (given, rise), (_, rivals_rise) = _mapped(up), _mapped(down)
        features.append(given)
        slopes.append(rise - rivals_rise)
        logits.append(up.logits)
    return Activations(
        np.concatenate(features),
        np.concatenate(slopes),
        np.concatenate(logits),
        boxes,
        seconds / len(pixels),
    )


def features_of(
    classifier: Classifier, pixels: np.ndarray, boxes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the features `(n, rows, columns, channels)` and logits of what is in the boxes."""
    inside = classifier.inside
    given = [inside.gradients(s, [0] * len(s)) for s in _batches(classifier, pixels, boxes)]
    features = np.concatenate([_mapped(one)[0] for one in given])
    return features, np.concatenate([one.logits for one in given])


def _mapped(given: Gradients) -> tuple[np.ndarray, np.ndarray]:
    if given.features is None or given.by_features is None:
        raise ValueError("the network has no feature map; ask `affordable` first")
    return given.features, given.by_features


def _batches(classifier: Classifier, pixels: np.ndarray, boxes: np.ndarray) -> Iterator[np.ndarray]:
    inside = classifier.inside
    for start in range(0, len(pixels), PREDICTION_BATCH):
        part = slice(start, start + PREDICTION_BATCH)
        if inside is classifier:
            yield pixels[part]
        else:
            yield np.asarray(cut(pixels[part], boxes[part], inside.input_shape[:2]))
