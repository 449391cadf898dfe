"""What the methods that draw maps share: chunks of images, and whom they cannot be asked of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from explain.checks import check_targets
from zoo import Attribution, Classifier, Images, InvalidSetting
from zoo.base import interruption

if TYPE_CHECKING:
    import numpy as np

CHUNK = 8
"""Images a pass: gradients keep 100 MB an image of a network like EfficientNet at 224 pixels."""
SHARED_CHUNK = 32
"""Images a call where the classifier works through them in parts of its own and remembers them."""

Maps = Callable[["np.ndarray", Sequence[int]], "np.ndarray"]


def needed(part: np.ndarray | None, method: str) -> np.ndarray:
    """Return what a pass gave of the feature map, features or gradients.

    Raises:
        InvalidSetting: the network has no feature map.
    """
    if part is not None:
        return part
    raise InvalidSetting(
        f"'{method}' was asked of a network without a convolution or tokens that stand for parts "
        "of the picture; it needs a feature map of rows and columns that all logits depend on. Use "
        "'saliency', 'smoothgrad', 'shap', 'occlusion' or 'rise' instead."
    )


def attributions(
    method: str,
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    maps: Maps,
    chunk: int = CHUNK,
) -> list[Attribution]:
    """Call `maps(pixels, targets)` on `chunk` images at a time and wrap what it returns.

    `maps` takes `(batch, height, width, channels)` uint8 pixels and returns
    `(batch, height, width)`. Images that are no more than a chunk are passed as the very array
    that they are, by which the classifier knows them again.

    Raises:
        InvalidSetting: a target that is not one of the classes.
    """
    import numpy as np

    check_targets(classifier, targets)
    made: list[Attribution] = []
    for start in range(0, len(targets), chunk):
        interruption.check()
        wanted = [int(target) for target in targets[start : start + chunk]]
        whole = len(targets) <= chunk
        pixels = images.pixels if whole else images.pixels[start : start + chunk]
        values = np.asarray(maps(pixels, wanted), np.float32)
        made += [
            Attribution(method, target, map_) for target, map_ in zip(wanted, values, strict=True)
        ]
    return made
