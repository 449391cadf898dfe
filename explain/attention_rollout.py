"""Attention rollout: from which parts of the picture the attention layers bring what is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from explain.kept import kept
from explain.maps import visualisers
from zoo import Attribution, Classifier, Explainer, Images, InvalidSetting, Reference, hookimpl

if TYPE_CHECKING:
    import numpy as np

NAME = "attention-rollout"
AHEAD = 16
"""Most tokens ahead of those of the picture: a class token, and a few that are no part of it."""
READ = 1e-6
"""Share of the largest gradient from which the logit counts as reading a token."""


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare attention rollout."""
    return [
        Explainer(
            name=NAME,
            summary="From which parts of the picture attention brings what the answer is read of.",
            explain=explain,
            reference=(
                "Abnar, Zuidema. Quantifying Attention Flow in Transformers, 2020, section 3.1"
            ),
            gradients="features",
            feature_map=True,
            attention=True,
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
) -> list[Attribution]:
    """Map each image by attention, multiplied through all layers.

    Of each layer the mean over its heads is taken, half of it and half of the identity, for what
    goes past the layer. The product of all layers says from which tokens each token at the end has
    its content. The map is the mean over the tokens that the target's logit reads: the class token,
    or all where they are averaged. Values are `(height, width)`, shares from 0 up; of the tokens
    of the picture they add up to at most 1. Classes that read the same tokens have the same map.

    Raises:
        InvalidSetting: the network has no attention between tokens that stand for the parts of the
            picture, or a target is not one of the classes.
    """

    def maps(pixels: np.ndarray, wanted: Sequence[int]) -> np.ndarray:
        features = classifier.gradients(pixels, wanted).features
        calls, model = _attention(classifier)
        if not calls or features is None:
            raise _no_attention()
        rows, columns = features.shape[1:3]
        mixed, read = _measured(model, calls, classifier.seen(pixels), wanted)
        tokens = read.shape[1]
        ahead = tokens - rows * columns
        if not 0 <= ahead <= AHEAD or any(layer.shape[1:] != (tokens, tokens) for layer in mixed):
            raise _no_attention()
        shares = rollout(mixed, read)[:, ahead:]
        return classifier.place(shares.reshape(-1, rows, columns), pixels)

    return visualisers.attributions(NAME, classifier, images, targets, maps)


def rollout(layers: Sequence[np.ndarray], read: np.ndarray) -> np.ndarray:
    """Return `(batch, tokens)`: how much of what is read comes from each token of the beginning.

    `layers` holds attention, `(batch, tokens, tokens)`, each row adding up to 1, the first layer
    first; `read` is `(batch, tokens)` bool, what is read of the last one.
    """
    import numpy as np

    share = read / read.sum(axis=1, keepdims=True)
    for attention in reversed(layers):
        share = (share + np.einsum("nt,nts->ns", share, attention)) / 2
    return share


def _no_attention() -> InvalidSetting:
    return InvalidSetting(
        f"'{NAME}' was asked of a network without attention between tokens that stand for the "
        "parts of the picture; it needs layers of Keras's MultiHeadAttention, all with the same "
        "tokens. Use 'gradcam', 'saliency' or 'occlusion' instead."
    )


@kept
def _attention(classifier: Classifier) -> tuple[list[Any], Any]:
    """Return the calls of attention layers, the first first, and a model of what they are given.

    Its outputs are the tensors that the calls take, what the last call gives, and the logits.
    """
    import keras

    model = classifier.inside.precise_model
    calls = [
        node
        for depth in sorted(model._nodes_by_depth, reverse=True)
        for node in model._nodes_by_depth[depth]
        if isinstance(node.operation, keras.layers.MultiHeadAttention)
    ]
    if not calls:
        return [], None
    given = [tensor for node in calls for tensor in node.input_tensors]
    last = calls[-1].output_tensors[0]
    return calls, keras.Model(model.inputs, [*given, last, model.outputs[0]])


def _measured(
    model: Any, calls: Sequence[Any], seen: np.ndarray, targets: Sequence[int]
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return each layer's attention, mean over the heads, and which tokens the logits read."""
    import numpy as np
    import tensorflow as tf

    pixels = tf.constant(seen, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        *given, last, logits = model(pixels, training=False)
        chosen = tf.gather(logits, tf.constant(targets, tf.int32), batch_dims=1)
    strength = np.abs(np.asarray(tape.gradient(chosen, last))).max(axis=2)
    read = strength > READ * strength.max(axis=1, keepdims=True)
    if not read.any(axis=1).all():
        read[~read.any(axis=1)] = True  # nothing is read of any: the classes are told without it
    attention = []
    for node in calls:
        count = len(node.input_tensors)
        values, given = given[:count], given[count:]
        tensors = dict(zip(map(id, node.input_tensors), values, strict=True))
        arguments, named = node.arguments.fill_in(tensors)
        named = {**named, "return_attention_scores": True, "training": False}
        _, scores = node.operation(*arguments, **named)
        attention.append(np.asarray(scores).mean(axis=1))
    return attention, read
