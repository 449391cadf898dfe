"""Score-CAM: no gradients; each feature channel is shown to the network as a mask."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from explain.checks import check_at_least
from explain.kept import kept
from explain.maps import visualisers
from zoo import Attribution, Classifier, Explainer, Images, Option, Reference, hookimpl
from zoo.base.explanations import LAST_FEATURES

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
            feature_layer=True,
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

    with visualisers.quiet_import():
        from tf_keras_vis.scorecam import Scorecam

    check_at_least("max_channels", max_channels, 1)
    visualisers.check_features(classifier, NAME)
    network = _silent(classifier)
    visualiser = Scorecam(network)
    features = network.get_layer(LAST_FEATURES).output
    channels = min(max_channels, features.shape[-1])

    def maps(pixels: np.ndarray, wanted: Sequence[int]) -> np.ndarray:
        coarse = visualiser(
            visualisers.target_logits(wanted),
            classifier.seen(pixels),
            penultimate_layer=LAST_FEATURES,
            seek_penultimate_conv_layer=False,
            batch_size=visualisers.CHUNK,
            max_N=channels,
            expand_cam=False,
            normalize_cam=False,
        )
        return classifier.place(np.asarray(coarse), pixels)

    # One image a pass: tf-keras-vis tries the chosen channels of all images on every image.
    return visualisers.attributions(NAME, classifier, images, targets, maps, chunk=1)


@kept
def _silent(classifier: Classifier) -> Any:
    """Give the network anew with a `predict` that prints no progress.

    It is kept, since Keras compiles `predict` anew for each model.
    """
    import keras

    model = visualisers.featured_network(classifier)
    quiet = keras.Model(list(model.inputs), list(model.outputs))
    quiet.predict = functools.partial(quiet.predict, verbose=0)
    return quiet
