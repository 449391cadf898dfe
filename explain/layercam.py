"""LayerCAM: the last feature map, each place weighted by its own positive gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explain.maps import feature_maps
from zoo import Attribution, Classifier, Explainer, Images, Reference, hookimpl

if TYPE_CHECKING:
    import numpy as np

NAME = "layercam"


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare LayerCAM."""
    return [
        Explainer(
            name=NAME,
            summary="Features weighted at each place by how much more of them raises the logit.",
            explain=explain,
            reference=(
                "Jiang, Zhang, Hou, Cheng, Wei. LayerCAM: Exploring Hierarchical Class Activation "
                "Maps for Localization, 2021"
            ),
            gradients="features",
            feature_map=True,
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
) -> list[Attribution]:
    """Map each image by the features times the positive gradients of the logit at their places.

    Values are `(height, width)`, from 0 up, in logits. The paper joins maps of several layers; this
    is that of the last feature map.

    Raises:
        InvalidSetting: the network has no convolution, or a target is not one of the classes.
    """
    import numpy as np

    def weigh(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        coarse = np.einsum("nhwc,nhwc->nhw", features, np.maximum(gradients, 0), optimize=True)
        return np.maximum(coarse, 0)

    return feature_maps.attributions(NAME, classifier, images, targets, weigh)
