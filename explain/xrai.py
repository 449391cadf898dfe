"""XRAI: regions of the image, those first in which integrated gradients are densest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explain.maps import path, segments
from zoo import Attribution, Classifier, Explainer, Images, Reference, hookimpl

if TYPE_CHECKING:
    import numpy as np

NAME = "xrai"
SCALES = (50, 100, 150, 250, 500, 1200)
"""How coarse the divisions of the image are, as in the paper."""
SMALLEST = 150 / 224**2
"""Least area of a region, as a share of the image."""
FEWEST = 50 / 224**2
"""What a region must add to those before it, as a share of the image."""
MARGIN = 5 / 224
"""By how much regions are enlarged, as a share of a side: edges then lie within both sides."""


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare XRAI."""
    return [
        Explainer(
            name=NAME,
            summary="Whole regions of the image, ranked by how dense the evidence in them is.",
            explain=explain,
            reference=(
                "Kapishnikov, Bolukbasi, Viégas, Terry. XRAI: Better Attributions Through "
                "Regions, 2019"
            ),
            options=path.OPTIONS,
            differentiates=True,
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
    *,
    baseline: str = "blurred",
    steps: int = 32,
) -> list[Attribution]:
    """Map each image by the mean of integrated gradients in regions, the densest first.

    The image is divided by Felzenszwalb and Huttenlocher's method at six scales. Of all regions
    that with the highest mean among the pixels not covered yet is taken next, until all are. The
    paper's path begins at black and at white; here it does at `baseline`. Values are
    `(height, width)`, signed, in logits a pixel, and add up to what integrated gradients do.

    Details: 'completeness error', 'logit', 'logit of the baseline' (logits).

    Raises:
        InvalidSetting: a target that is not one of the classes, an unknown baseline, or `steps`
            below 1.
    """
    return path.attributions(NAME, classifier, images, targets, baseline, steps, by_regions)


def by_regions(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Give each pixel of `(height, width)` the mean over what its region added when it was taken.

    `seen` is `(height, width, channels)`, 0 to 255: the picture that is divided.
    """
    import numpy as np

    inside, evidence = regions(seen), values.ravel().astype(np.float64)
    fewest = max(1, round(FEWEST * values.size))
    left = np.ones(values.size, bool)
    sums, areas = inside @ evidence, inside.sum(axis=1)
    shared = np.zeros(values.size)
    while (large := areas >= fewest).any():
        taken = int(np.argmax(np.where(large, sums / np.maximum(areas, 1), -np.inf)))
        added = np.flatnonzero((inside[taken] > 0) & left)
        shared[added] = evidence[added].mean()
        left[added] = False
        sums -= inside[:, added] @ evidence[added]
        areas -= inside[:, added].sum(axis=1)
    if left.any():
        shared[left] = evidence[left].mean()
    return shared.reshape(values.shape)


def regions(seen: np.ndarray) -> np.ndarray:
    """Divide a picture at each scale; return `(regions, pixels)` float32, 1 inside, enlarged."""
    import numpy as np
    from scipy.ndimage import find_objects, maximum_filter

    height, width = seen.shape[:2]
    smallest = max(1, round(SMALLEST * height * width))
    more = [round(MARGIN * side) for side in (height, width)]
    reach = [2 * steps + 1 for steps in more]
    found = []
    for scale in SCALES:
        labels = segments.felzenszwalb(seen, scale, smallest)
        for label, (rows, columns) in enumerate(find_objects(labels + 1)):
            around = (
                slice(max(0, rows.start - more[0]), rows.stop + more[0]),
                slice(max(0, columns.start - more[1]), columns.stop + more[1]),
            )
            inside = np.zeros((height, width), bool)
            inside[around] = maximum_filter(labels[around] == label, reach)
            found.append(inside.ravel())
    return np.array(found, np.float32)
