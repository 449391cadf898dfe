"""Grad-CAM++: Grad-CAM that weights each position, for findings in several places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from explain.maps import visualisers
from zoo import Attribution, Classifier, Explainer, Images, Reference, hookimpl

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
            feature_layer=True,
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
    with visualisers.quiet_import():
        from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus

    return visualisers.class_activations(
        NAME, GradcamPlusPlus, classifier, images, targets, _levelled
    )


def _levelled(targets: Sequence[int]) -> Callable[[Any], Any]:
    """Give the targets' logits levelled to zero, with the same gradient.

    The method takes exp(score) as a factor of the whole map, which overflows from a logit of 89.
    """
    import tensorflow as tf

    score = visualisers.target_logits(targets)

    def levelled(logits: Any) -> Any:
        value = score(logits)
        return value - tf.stop_gradient(value)

    return levelled
