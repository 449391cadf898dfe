"""Several networks as one: the mean of their logits, each at its own temperature.

It is one flat graph like any other network, so that it is asked, explained and exported like one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo.network import frame, graph
from zoo.network.frame import Box
from zoo.network.localiser import Localiser

WHOLE: tuple[Box, ...] = ((0.0, 0.0, 1.0, 1.0),)
SHIFT = 0.04
"""Share of each side that is left out of a shifted view."""
SHIFTED: tuple[Box, ...] = (
    *WHOLE,
    (0.0, 0.0, 1 - SHIFT, 1 - SHIFT),
    (0.0, SHIFT, 1 - SHIFT, 1.0),
    (SHIFT, 0.0, 1.0, 1 - SHIFT),
    (SHIFT, SHIFT, 1.0, 1.0),
)
"""What is seen of a picture: all of it, and all but a strip at two of its sides."""


@dataclass(frozen=True, eq=False)
class Member:
    """A network without frame, `(batch, height, width, channels)` 0-255 in, and its temperature."""

    network: Any
    temperature: float


def joined(
    members: Sequence[Member], localiser: Localiser | None, views: Sequence[Box] = WHOLE
) -> Any:
    """Return one flat network that gives the mean of the members' logits over their temperatures.

    Each member sees every one of the `views`, at its own size. Pictures are taken at the size of
    the largest member; with a `localiser` they are cut to what it finds first.
    """
    import keras

    from zoo.network.cutting import Part

    shape = max((tuple(one.network.input_shape[1:]) for one in members), key=lambda s: s[0] * s[1])
    pixels = keras.Input(shape)
    networks = [  # of the same architecture they have the same name, of which there may be one
        keras.Model(one.network.input, one.network.output, name=f"member_{number}")
        for number, one in enumerate(members)
    ]
    logits = [
        keras.layers.Rescaling(1 / member.temperature, dtype="float32")(
            network(Part(view, network.input_shape[1:3])(pixels))
        )
        for member, network in zip(members, networks, strict=True)
        for view in views
    ]
    mean = keras.layers.Average(dtype="float32")(logits)
    inner = keras.Model(pixels, mean, name="ensemble")
    return graph.unnested(inner, shape) if localiser is None else frame.framed(inner, localiser)
