"""HiResCAM: what each place of the last feature map adds to the target's logit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from explain.maps import feature_maps
from zoo import Attribution, Classifier, Explainer, Images, Reference, hookimpl

NAME = "hirescam"


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare HiResCAM."""
    return [
        Explainer(
            name=NAME,
            summary="What each place of the last feature map adds to the target's logit.",
            explain=explain,
            reference=(
                "Draelos, Carin. Use HiResCAM instead of Grad-CAM for faithful explanations of "
                "convolutional neural networks, 2020"
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
    """Map each image by the features times the gradient of the target's logit at the same place.

    Values are `(height, width)`, signed, in logits. Where one linear layer follows the feature map,
    pooled or flattened, the values of its places add up to the logit less the bias: the map is
    exact. What is below zero speaks against the target and is kept.

    Raises:
        InvalidSetting: the network has no convolution, or a target is not one of the classes.
    """
    import numpy as np

    def weigh(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        return np.einsum("nhwc,nhwc->nhw", features, gradients, optimize=True)

    made = feature_maps.attributions(NAME, classifier, images, targets, weigh)
    return [replace(attribution, signed=True) for attribution in made]
