"""Where an image and a known case show the network the same thing.

Universal for networks with a feature map: the evidence at a position and in a channel is the
feature times the gradient of the target's logit by it, as in Grad-CAM without its mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo import Classifier, Reference
from zoo.base.pictures import images, pixel_arrays

Regions = tuple[np.ndarray, np.ndarray]


def matching(
    classifier: Classifier,
    pixels: np.ndarray,
    targets: Sequence[int],
    reference: Reference,
    wanted: Sequence[Sequence[int]],
) -> list[dict[int, Regions]]:
    """Return for each image, by the row of each wanted case, where the two are alike.

    `wanted[i]` holds the rows of cases to be compared with image i. Each map is `(height, width)`
    float32 from 0 up; the unit is that of logits. Nothing is returned for a network without a
    feature map or without gradients, and for cases without a picture.
    """
    pairs = [
        (row, int(target))
        for rows, target in zip(wanted, targets, strict=True)
        for row in rows
        if row < len(reference.thumbnails) and reference.thumbnails[row]
    ]
    nothing: list[dict[int, Regions]] = [{} for _ in targets]
    if not pairs or not classifier.differentiable:
        return nothing
    distinct = list(dict.fromkeys(pairs))
    known = _pictures(classifier, reference, [row for row, _ in distinct])
    of_images = _evidence(classifier, pixels, targets)
    cases = _evidence(classifier, known, [target for _, target in distinct])
    if of_images is None or cases is None:
        return nothing
    number = {pair: place for place, pair in enumerate(distinct)}
    both = [
        (image, number[row, int(target)], row)
        for image, (target, rows) in enumerate(zip(targets, wanted, strict=True))
        for row in rows
        if (row, int(target)) in number
    ]
    alike = [common(of_images[image], cases[case]) for image, case, _ in both]
    of_image, of_case = (np.stack(maps) for maps in zip(*alike, strict=True))
    # All at once: where each picture was looked at is asked for once.
    images_placed = classifier.place(of_image, pixels[[image for image, _, _ in both]])
    cases_placed = classifier.place(of_case, known[[case for _, case, _ in both]])
    found = nothing
    for (image, _, row), first, second in zip(both, images_placed, cases_placed, strict=True):
        found[image][row] = (first, second)
    return found


def common(one: np.ndarray, other: np.ndarray) -> Regions:
    """Return where two images show what they have in common, from `(rows, columns, channels)`.

    What they have in common of a channel is the smaller one of its two totals, if both are
    positive. Each image's map is where its own evidence of that channel lies, and adds up to the
    common total but for what is cut off below zero.
    """
    totals = [np.maximum(evidence.sum(axis=(0, 1)), 0) for evidence in (one, other)]
    shared = np.minimum(*totals)
    first, second = (
        np.maximum(
            evidence @ np.divide(shared, total, out=np.zeros_like(shared), where=total > 0), 0
        )
        for evidence, total in zip((one, other), totals, strict=True)
    )
    return first.astype(np.float32), second.astype(np.float32)


def _evidence(
    classifier: Classifier, pixels: np.ndarray, targets: Sequence[int]
) -> np.ndarray | None:
    gradients = classifier.gradients(pixels, targets)
    if gradients.features is None or gradients.by_features is None:
        return None
    return gradients.features * gradients.by_features


def _pictures(classifier: Classifier, reference: Reference, rows: Sequence[int]) -> np.ndarray:
    """Return the kept pictures of cases at the network's input size."""
    height, width, channels = classifier.input_shape
    decoded = {
        row: images.read_image(reference.thumbnails[row], (height, width)) for row in set(rows)
    }
    return pixel_arrays.to_channels(np.stack([decoded[row] for row in rows]), channels)
