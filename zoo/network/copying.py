"""Copies of a flat network: other settings of its layers, the same weights, the same graph."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from zoo.base.errors import InvalidSetting

Config = dict[str, Any]


def copied(
    model: Any,
    changed: Callable[[Any, Config], Config] = lambda _, config: config,
    called: Callable[..., Any] | None = None,
    weights: Callable[[Any], list[Any] | None] = lambda layer: layer.get_weights(),
) -> Any:
    """Return a copy of a flat functional model, with weights of its own that are equal.

    `changed` takes a layer and its configuration and returns that of the copy. Operations that are
    no layers are copied as they are: they take none of a layer's settings. What is used twice stays
    one. `called` calls a copy where that is not done in the usual way, as `call_function` of
    `keras.models.clone_model`; `weights` returns those of a layer's copy, None where it has none.

    Raises:
        InvalidSetting: a layer cannot be made again from its configuration.
    """
    import keras

    @functools.cache
    def copy(operation: Any) -> Any:
        is_layer = isinstance(operation, keras.Layer)
        if type(operation).__name__ == "Lambda":
            return operation  # to be refused; Keras does not copy it
        try:
            config = operation.get_config()
            return type(operation).from_config(changed(operation, config) if is_layer else config)
        except Exception as error:  # a class of a plugin may fail in any way
            raise InvalidSetting(
                f"The layer '{operation.name}' of the network cannot be copied. "
                "Give its class a get_config that names every argument of its __init__."
            ) from error

    copies = keras.models.clone_model(model, clone_function=copy, call_function=called)
    for layer in model.layers:
        if layer.weights and (given := weights(layer)) is not None:
            copy(layer).set_weights(given)
        if isinstance(layer, keras.layers.Normalization):
            copy(layer).finalize_state()  # it keeps what it computes of its weights
    return copies


def as_float32(model: Any) -> Any:
    """Return the network, or a copy where it computes in 16 bits: too coarse for gradients."""
    if all(layer.compute_dtype == "float32" for layer in model.layers):
        return model
    return copied(model, in_float32)


def in_float32(_: Any, config: Config) -> Config:
    """Let a layer compute in float32, if it says what it computes in."""
    return {**config, "dtype": "float32"} if "dtype" in config else config


def export_copy(model: Any) -> Any:
    """Return a copy of a flat network that computes in float32, with names that every format takes.

    A SavedModel refuses variables whose name begins with an underscore, as layers may be named.
    """

    def changed(layer: Any, config: dict[str, Any]) -> dict[str, Any]:
        named = {**config, "name": f"layer_{layer.name}"} if "name" in config else config
        coarse = layer.compute_dtype != layer.variable_dtype
        return {**named, "dtype": layer.variable_dtype} if coarse else named

    return copied(model, changed)
