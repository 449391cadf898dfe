"""Grad-CAM: where the last feature map raises the target's logit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explain.maps import visualisers
from zoo import Attribution, Classifier, Explainer, Images, Reference, hookimpl

if TYPE_CHECKING:
    import numpy as np

NAME = "gradcam"


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare Grad-CAM."""
    return [
        Explainer(
            name=NAME,
            summary="Regions whose features raise the target's logit, at the last feature map.",
            explain=explain,
            reference=(
                "Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra. Grad-CAM: Visual Explanations "
                "from Deep Networks via Gradient-based Localization, 2017"
            ),
            default=True,
            gradients="features",
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
) -> list[Attribution]:
    """Map each image by the features times the mean gradient of the target's logit.

    The mean is exact for a network that pools its features; where dense layers follow a flattened
    map, it loses which position they look at, and the map shows features rather than evidence.
    Values are `(height, width)`, from 0 up, in logits, and not scaled to a maximum of one.

    Raises:
        InvalidSetting: the network has no convolution, or a target is not one of the classes.
    """
    import numpy as np

    def maps(pixels: np.ndarray, wanted: Sequence[int]) -> np.ndarray:
        passed = classifier.gradients(pixels, wanted)
        if passed.features is None or passed.by_features is None:
            raise visualisers.no_feature_map(NAME)
        features, gradients = passed.features, passed.by_features
        coarse = np.einsum("nhwc,nc->nhw", features, gradients.mean(axis=(1, 2)), optimize=True)
        return classifier.place(np.maximum(coarse, 0), pixels)

    return visualisers.attributions(
        NAME, classifier, images, targets, maps, visualisers.SHARED_CHUNK
    )
