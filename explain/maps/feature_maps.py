"""Maps of the last feature map and the gradient of the target's logit by it, one pass for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from explain.maps import visualisers
from zoo import Attribution, Classifier, Images

if TYPE_CHECKING:
    import numpy as np

Weigh = Callable[["np.ndarray", "np.ndarray"], "np.ndarray"]


def attributions(
    method: str, classifier: Classifier, images: Images, targets: Sequence[int], weigh: Weigh
) -> list[Attribution]:
    """Map images by `weigh(features, gradients)`, and put the maps where the network looked.

    It is given two arrays `(batch, rows, columns, channels)` and returns `(batch, rows, columns)`.

    Raises:
        InvalidSetting: the network has no convolution, or a target is not one of the classes.
    """

    def maps(pixels: np.ndarray, wanted: Sequence[int]) -> np.ndarray:
        passed = classifier.gradients(pixels, wanted)
        features = visualisers.needed(passed.features, method)
        gradients = visualisers.needed(passed.by_features, method)
        return classifier.place(weigh(features, gradients), pixels)

    return visualisers.attributions(
        method, classifier, images, targets, maps, visualisers.SHARED_CHUNK
    )
