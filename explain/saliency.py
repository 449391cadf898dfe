"""Saliency: the gradient of the target's logit by the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explain.maps import visualisers
from zoo import Attribution, Classifier, Explainer, Images, Reference, hookimpl

if TYPE_CHECKING:
    import numpy as np

NAME = "saliency"


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare saliency."""
    return [
        Explainer(
            name=NAME,
            summary="How strongly the target's logit reacts to a small change of each pixel.",
            explain=explain,
            reference=(
                "Simonyan, Vedaldi, Zisserman. Deep Inside Convolutional Networks: Visualising "
                "Image Classification Models and Saliency Maps, 2013"
            ),
            default=True,
            gradients="pixels",
            differentiates=True,
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
) -> list[Attribution]:
    """Map each image by the largest absolute gradient among a pixel's channels.

    Values are `(height, width)`, from 0 up, in logits per gray level.

    Raises:
        InvalidSetting: a target that is not one of the classes.
    """
    import numpy as np

    def maps(pixels: np.ndarray, wanted: Sequence[int]) -> np.ndarray:
        gradients = classifier.gradients(pixels, wanted, by_pixels=True).by_pixels
        return np.abs(np.asarray(gradients)).max(axis=-1)

    return visualisers.attributions(
        NAME, classifier, images, targets, maps, visualisers.SHARED_CHUNK
    )
