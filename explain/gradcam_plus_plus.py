"""Grad-CAM++: Grad-CAM that weights each position, for findings in several places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explain.maps import feature_maps
from zoo import Attribution, Classifier, Explainer, Images, Reference, hookimpl

if TYPE_CHECKING:
    import numpy as np

NAME = "gradcam++"


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare Grad-CAM++."""
    return [
        Explainer(
            name=NAME,
            summary="Grad-CAM with a weight for each position: better for several findings.",
            explain=explain,
            reference=(
                "Chattopadhyay, Sarkar, Howlader, Balasubramanian. Grad-CAM++: Generalized "
                "Gradient-based Visual Explanations for Deep Convolutional Networks, 2018"
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
    """Map each image by the features times position-weighted positive gradients of the logit.

    Values are `(height, width)`, from 0 up, and not scaled to a maximum of one.

    Raises:
        InvalidSetting: the network has no convolution, or a target is not one of the classes.
    """
    return feature_maps.attributions(NAME, classifier, images, targets, weigh)


def weigh(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return `(batch, rows, columns)` maps of features and gradients with channels.

    The paper's weights of the exponential of the score, whose derivatives are powers of the
    gradient; the exponential itself, a factor of the whole map that overflows, is taken as one.
    """
    import numpy as np

    square = gradients**2
    total = features.sum(axis=(1, 2), keepdims=True)
    share = square / _or_one(2 * square + square * gradients * total, square == 0)
    sums = share.sum(axis=(1, 2), keepdims=True)
    weights = (np.maximum(gradients, 0) * share / _or_one(sums, sums == 0)).sum(axis=(1, 2))
    return np.maximum(np.einsum("nhwc,nc->nhw", features, weights, optimize=True), 0)


def _or_one(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.where(where, np.float32(1), values)
