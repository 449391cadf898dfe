"""The network that is converted: all that is answered, in float32, each output by its name."""

from __future__ import annotations

from typing import Any

from zoo.network import frame, graph
from zoo.network.copying import export_copy

LOGITS, EMBEDDING, BOX, PLAUSIBILITY = "logits", "embedding", "box", "plausibility"


def answering(model: Any) -> Any:
    """Return a copy of a network whose outputs are those that a run needs for an answer.

    `logits` is `(batch, classes)`, `embedding` `(batch, features)`. Of a framed network it gives
    `box` `(batch, 4)`, too, and `plausibility` `(batch,)`: how far the box is from being refused.
    """
    import keras

    copy = export_copy(model)
    given = {LOGITS: copy.output, EMBEDDING: graph.embedding(copy)}
    if frame.is_framed(model):
        from zoo.network.boxes import Plausibility

        found = copy.get_layer(f"layer_{frame.BOX}")
        given[BOX] = found.output
        given[PLAUSIBILITY] = Plausibility(found.limits)(found.input)
    cast = {name: keras.ops.cast(tensor, "float32") for name, tensor in given.items()}
    return keras.Model(copy.input, cast)
