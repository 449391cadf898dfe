"""The pass through a network and back, as one graph: from pixels to logits, features, gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from zoo.data.resampling import cut
from zoo.network import graph
from zoo.network.feature_map import feature_maps

DECIDED = -1
"""Stands for the class that the network decides for, where a target is asked for."""
NO_GRADIENTS = (
    "This network came as an ONNX file: it answers, but has no gradients, which were asked for. "
    "Use a method that needs answers alone: 'occlusion', 'rise', 'lime', 'shap' or 'examples'."
)

Differentiate = Callable[..., dict[str, Any]]


def differentiation(
    model: Any,
    classes: int,
    positive: int,
    *,
    by_pixels: bool,
    find: Callable[[Any], Any] | None = None,
    pictures: Sequence[int | None] = (),
) -> Differentiate:
    """Make the function `(pixels, targets, margin)` that gives tensors by name.

    With `find`, which gives the boxes of `pictures` of that shape, the batch first, `model` sees
    what is in them alone.

    It gives 'logits', 'embeddings' and 'targets' (DECIDED replaced by the class); with `find`
    'boxes'; with a feature map 'features' and 'by_features', the gradient of the target's logit;
    with `by_pixels` also that. The positive of two classes is decided for when its logit exceeds
    the other's by `margin`; of more classes the one with the highest logit is.

    Gradients are part of the graph, so that only what they need is computed: that by the features
    ends at the feature map.
    """
    import keras
    import tensorflow as tf

    maps = feature_maps(model)
    given = [model.output, graph.embedding(model), *(one.tensor for one in maps)]
    whole = keras.Model(model.input, given)
    size = model.input_shape[1:3]
    signature = [
        tf.TensorSpec(pictures or model.input_shape, tf.float32),
        tf.TensorSpec((None,), tf.int32),
        tf.TensorSpec((), tf.float32),
    ]

    def decided(logits: Any, margin: Any) -> Any:
        if classes != 2:
            return tf.argmax(logits, axis=-1, output_type=tf.int32)
        called = logits[:, positive] - logits[:, 1 - positive] >= margin
        return tf.where(called, positive, 1 - positive)

    @tf.function(input_signature=signature, autograph=False)
    def differentiate(pixels: Any, targets: Any, margin: Any) -> dict[str, Any]:
        # No gradient passes a box; saying so before it keeps the way back from being made.
        boxes = None if find is None else tf.stop_gradient(find(tf.stop_gradient(pixels)))
        shown = pixels if boxes is None else cut(pixels, boxes, size)
        logits, embeddings, *features = whole(shown, training=False)
        chosen = tf.where(targets == DECIDED, decided(logits, margin), targets)
        score = tf.gather(logits, chosen, batch_dims=1)
        sources = [*features, pixels] if by_pixels else features
        gradients = tf.gradients(score, sources, unconnected_gradients="zero") if sources else []
        tensors = {"logits": logits, "embeddings": embeddings, "targets": chosen}
        if boxes is not None:
            tensors["boxes"] = boxes
        if features:
            both = zip(maps, features, gradients[: len(features)], strict=True)
            pairs = [(one.grid(feature), one.grid(slope)) for one, feature, slope in both]
            tensors |= side_by_side(*zip(*pairs, strict=True))
        return tensors | ({"by_pixels": gradients[-1]} if by_pixels else {})

    return differentiate


def side_by_side(features: Sequence[Any], gradients: Sequence[Any]) -> dict[str, Any]:
    """Join feature maps of several members, and the gradients by them, along the channels.

    Coarser ones are enlarged to the finest; the gradient by a place is then shared among those that
    stand for it.
    """
    import tensorflow as tf

    if len(features) == 1:
        return {"features": features[0], "by_features": gradients[0]}
    finest = max((one.shape[1:3] for one in features), key=lambda size: size[0] * size[1])

    def enlarged(one: Any) -> Any:
        return tf.image.resize(tf.cast(one, tf.float32), finest)

    shares = [one.shape[1] * one.shape[2] / (finest[0] * finest[1]) for one in features]
    shared = [enlarged(one) * share for one, share in zip(gradients, shares, strict=True)]
    return {
        "features": tf.concat([enlarged(one) for one in features], axis=-1),
        "by_features": tf.concat(shared, axis=-1),
    }


def margin_of(threshold: float | None, temperature: float) -> float:
    """Return by how much a logit must exceed the other for a probability of `threshold`.

    Probabilities are of the logits divided by the temperature; None: no more than the other's.
    """
    if threshold is None:
        return 0.0
    if not 0 < threshold < 1:
        return -math.inf if threshold <= 0 else math.inf
    return temperature * math.log(threshold / (1 - threshold))
