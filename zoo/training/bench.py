"""A network laid out for training: in 16 bits, in parts, on several devices, or as it is."""

from __future__ import annotations

import contextlib
from typing import Any

from zoo.base.recipe import FLOAT16, FLOAT32
from zoo.network.copying import copied
from zoo.training import devices
from zoo.training.execution import Execution


class Bench:
    """A network laid out for training: `model` is what `fit` is called on.

    That is the network itself, the same layers with another training step, or a copy of it in 16
    bits or on other devices. The weights of a copy are brought back by `give`: the network itself
    always computes in float32, on one device.
    """

    def __init__(self, network: Any, execution: Execution) -> None:
        import keras

        self.network, self.execution = network, execution
        self._strategy = devices.strategy(execution.devices)
        several = len(execution.devices) > 1
        self._copied = execution.precision != FLOAT32 or self._strategy is not None
        with self.scope():
            model = _adapted(network, execution) if self._copied else network
            if several or execution.accumulate > 1:
                from zoo.training.parts import PartwiseModel

                model = PartwiseModel(model.input, model.output)
                model.parts = execution.accumulate
            elif execution.xla and model is network:
                model = keras.Model(model.input, model.output)  # predicting stays as it is
        self.model = model

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Give the context in which what belongs to the model is made and changed."""
        return contextlib.nullcontext() if self._strategy is None else self._strategy.scope()

    def compile(self, optimizer: Any, **named: Any) -> None:
        """Compile the model; small gradients of 16-bit floats are scaled so that none is lost."""
        import keras

        if self.execution.precision == FLOAT16:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        xla = self.execution.xla
        self.model.compile(optimizer, jit_compile=xla, auto_scale_loss=False, **named)
        optimizer.build(self.model.trainable_variables)
        if self._strategy is None:  # else Keras does it
            self._count_in_metrics()

    def _count_in_metrics(self) -> None:
        """Make the variables of the metrics, for which the step would be traced a second time."""
        import keras

        answer = keras.ops.zeros((1, self.model.output_shape[-1]))
        self.model.compute_metrics(None, answer, answer, sample_weight=keras.ops.ones(1))
        self.model.reset_metrics()

    def take(self) -> None:
        """Give the model the weights of the network."""
        if self._copied:
            with self.scope():
                _transfer(self.network.weights, self.model.weights)

    def give(self) -> None:
        """Give the network the weights of the model."""
        if self._copied:
            _transfer(self.model.weights, self.network.weights)


def _transfer(source: list[Any], target: list[Any]) -> None:
    for one, other in zip(source, target, strict=True):
        other.assign(one.value.numpy())


def _adapted(network: Any, execution: Execution) -> Any:
    """Copy a network so that it computes in the precision, and as one on several devices."""
    import keras

    exact = {network.layers[place] for place in execution.exact}
    exact |= {layer for layer in network.layers if _is_input(layer)}
    exact |= {tensor._keras_history.operation for tensor in network.outputs}
    together = len(execution.devices) > 1 and execution.accumulate == 1

    def changed(layer: Any, config: dict[str, Any]) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        if execution.precision != FLOAT32 and "dtype" in config and layer not in exact:
            changes["dtype"] = execution.precision
        if together and isinstance(layer, keras.layers.BatchNormalization):
            changes["synchronized"] = True
        return {**config, **changes}

    return copied(network, changed)


def _is_input(layer: Any) -> bool:
    return type(layer).__name__ == "InputLayer"
