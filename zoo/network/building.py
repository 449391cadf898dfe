"""From an architecture to its network: built, made flat, and refused where it could not be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.base.errors import InvalidSetting, ZooError, in_a_line
from zoo.base.types import EMPTY, Architecture
from zoo.network import graph


def build_network(
    architecture: Architecture,
    num_classes: int = 2,
    *,
    input_shape: tuple[int, int, int] | None = None,
    options: Mapping[str, Any] = EMPTY,
) -> Any:
    """Return the flat functional Keras model of an architecture: pixels 0-255 in, logits out.

    Pixels are `(batch, height, width, channels)`, logits `(batch, num_classes)`. `input_shape`
    differs from the architecture's own where it is given; `options` replace its defaults.

    Raises:
        InvalidSetting: it cannot be built so, or could not be trained and explained.

    Examples:
        >>> architecture = zoo.load_registry().architecture("scratch")
        >>> zoo.build_network(architecture, 3, input_shape=(64, 64, 1)).output_shape
        (None, 3)
    """
    shape = input_shape or architecture.input_shape
    chosen = {name: option.default for name, option in architecture.options.items()} | {**options}
    try:
        model = graph.unnested(architecture.build(shape, num_classes, **chosen), shape)
        graph.check_flat(model, shape, num_classes, architecture.name)
    except ZooError:
        raise
    except (Exception, SystemExit) as error:  # a build may fail in any way
        given_by = f" of {architecture.origin}" if architecture.origin else ""
        raise InvalidSetting(
            f"Architecture '{architecture.name}'{given_by} cannot be built for input {shape} with "
            f"{chosen}: {in_a_line(error).rstrip('.')}. Choose another --input or other options; "
            "if it fails with its defaults, tell its author."
        ) from error
    return model
