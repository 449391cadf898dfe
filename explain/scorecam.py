"""Score-CAM: no gradients; each feature channel is shown to the network as a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explain.checks import check_at_least
from explain.maps import visualisers
from zoo import Attribution, Classifier, Explainer, Images, Option, Reference, hookimpl

if TYPE_CHECKING:
    import numpy as np

NAME = "scorecam"


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare Score-CAM."""
    return [
        Explainer(
            name=NAME,
            summary="Feature channels weighted by the target's probability under their mask.",
            explain=explain,
            reference=(
                "Wang, Wang, Du, Yang, Zhang, Ding, Mardziel, Hu. Score-CAM: Score-Weighted "
                "Visual Explanations for Convolutional Neural Networks, 2020"
            ),
            options={
                "max_channels": Option(
                    16, "channels tried, those that vary most; one forward pass an image for each"
                )
            },
            feature_map=True,
            gradients="features",
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
    *,
    max_channels: int = 16,
) -> list[Attribution]:
    """Map each image by its `max_channels` most varying channels, weighted by what they reveal.

    A channel's weight is the target's probability when the image is darkened wherever the channel
    is low. Values are `(height, width)`, from 0 up, and not scaled to a maximum of one.

    Raises:
        InvalidSetting: the network has no convolution, a target is not one of the classes, or
            `max_channels` is below 1.
    """
    import numpy as np
    from scipy.special import softmax

    check_at_least("max_channels", max_channels, 1)

    def maps(pixels: np.ndarray, wanted: Sequence[int]) -> np.ndarray:
        passed = classifier.gradients(pixels, wanted)
        (features,) = visualisers.needed(passed.features, NAME)
        chosen = features[..., _varying(features, max_channels)]
        (seen,) = classifier.seen(pixels)
        logits = classifier.inside.logits(seen * _masks(chosen, seen.shape[:2]))
        weights = softmax(logits, axis=1)[:, wanted[0]]
        return classifier.place(np.maximum(chosen @ weights, 0)[None], pixels)

    # One image a pass: its masked copies are the batch.
    return visualisers.attributions(NAME, classifier, images, targets, maps, chunk=1)


def _varying(features: np.ndarray, count: int) -> np.ndarray:
    """Return which channels of `(rows, columns, channels)` vary most, at most so many."""
    import numpy as np

    return np.argsort(-features.std(axis=(0, 1)), kind="stable")[:count]


def _masks(channels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarge `(rows, columns, channels)` to `(channels, *size, 1)`, each from 0 to 1."""
    import numpy as np
    from scipy.ndimage import zoom

    rows, columns = channels.shape[:2]
    large = zoom(channels, (size[0] / rows, size[1] / columns, 1), order=1, mode="nearest")
    low, high = large.min(axis=(0, 1)), large.max(axis=(0, 1))
    return np.moveaxis((large - low) / (high - low + np.finfo(np.float32).eps), -1, 0)[..., None]
