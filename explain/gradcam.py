"""Grad-CAM: where the last feature map raises the target's logit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from explain.maps import feature_maps
from zoo import Attribution, Classifier, Explainer, Images, Reference, hookimpl

if TYPE_CHECKING:
    import numpy as np

NAME = "gradcam"
INEXACT = "no, 'hirescam' is closer"
ROUNDING = 1e-4
"""Share of the largest gradient by which others may differ from rounding alone."""


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
            feature_map=True,
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
) -> list[Attribution]:
    """Map each image by the features times the mean gradient of the target's logit.

    The mean is exact where the gradient is the same at all places, as in a network that pools its
    features. Where dense layers follow a flattened map it loses which position they look at, and
    the map shows features rather than evidence: the detail 'exact' then says so and names
    'hirescam', which keeps it. Values are `(height, width)`, from 0 up, in logits, and not scaled
    to a maximum of one.

    Raises:
        InvalidSetting: the network has no convolution, or a target is not one of the classes.
    """
    import numpy as np

    details: list[dict[str, str]] = []

    def weigh(features: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        details.extend({} if same else {"exact": INEXACT} for same in _is_even(gradients))
        coarse = np.einsum("nhwc,nc->nhw", features, gradients.mean(axis=(1, 2)), optimize=True)
        return np.maximum(coarse, 0)

    made = feature_maps.attributions(NAME, classifier, images, targets, weigh)
    return [
        replace(attribution, details=told) for attribution, told in zip(made, details, strict=True)
    ]


def _is_even(gradients: np.ndarray) -> np.ndarray:
    """Tell of `(batch, rows, columns, channels)` where each channel's is the same everywhere."""
    import numpy as np

    spread = np.ptp(gradients, axis=(1, 2)).max(axis=1)
    return spread <= ROUNDING * np.abs(gradients).max(axis=(1, 2, 3))
