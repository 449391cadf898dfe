"""The formats a network can be exported to: how each is written, and how it is answered from."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.base.errors import InvalidSetting, UnknownName
from zoo.network.onnx_session import session_of

if TYPE_CHECKING:
    import numpy as np

INPUT = "pixels"
LOGITS, PROBABILITIES = OUTPUTS = ("logits", "probabilities")
SERVING = "serving_default"
"""The name under which TensorFlow and LiteRT look for what a model does."""

ExportedNetwork = Callable[["np.ndarray"], Mapping[str, "np.ndarray"]]
"""Gives what was written by its name, of `(batch, height, width, channels)` float32 pixels."""


@dataclass(frozen=True)
class ExportFormat:
    """A format, the packages it needs besides TensorFlow, and the two things done with it.

    `write(network, path)` writes a Keras network whose outputs have names, such as `OUTPUTS`;
    `open(path)` opens what was written with the library that others will use for it. `packages` are
    modules by the name of their distribution.
    """

    name: str
    file: str
    packages: Mapping[str, str]
    write: Callable[[Any, Path], None]
    open: Callable[[Path], ExportedNetwork]

    def check_packages(self) -> None:
        """Refuse the format when a package is missing.

        Raises:
            InvalidSetting: with the command that installs it.
        """
        missing = [name for name, module in self.packages.items() if find_spec(module) is None]
        if missing:
            raise InvalidSetting(
                f"The format '{self.name}' needs {' and '.join(missing)}, not installed here. "
                "Install with: pip install 'xray-zoo[export]'"
            )

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages it was written and compared with."""
        versions = {}
        for name in self.packages:
            try:
                versions[name] = version(name)
            except PackageNotFoundError:  # installed from another distribution, such as a GPU build
                versions[name] = "unknown"
        return versions


def named(name: str) -> ExportFormat:
    """Return the format of that name.

    Raises:
        UnknownName: there is none.
    """
    if name not in FORMATS:
        raise UnknownName.among("export format", name, FORMATS)
    return FORMATS[name]


def _export(network: Any, path: Path, kind: str, **options: Any) -> None:
    import keras

    shape = network.input_shape
    signature = [keras.InputSpec(shape=(None, *shape[1:]), dtype="float32", name=INPUT)]
    network.export(str(path), format=kind, verbose=False, input_signature=signature, **options)


def _write_savedmodel(network: Any, path: Path) -> None:
    import tensorflow as tf

    # Not by Keras's own export, which stores each weight twice.
    module = tf.Module()
    module.weights = [variable.value for variable in network.variables]
    signature = [tf.TensorSpec(network.input_shape, tf.float32, name=INPUT)]
    module.serve = tf.function(
        lambda pixels: network(pixels, training=False), input_signature=signature, autograph=False
    )
    tf.saved_model.save(module, str(path), signatures={SERVING: module.serve})


def _open_savedmodel(path: Path) -> ExportedNetwork:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))

    def answers(pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        # Looked up anew: a signature does not keep the weights alive, `loaded` does.
        given = loaded.signatures[SERVING](**{INPUT: tf.constant(pixels)})
        return {name: value.numpy() for name, value in given.items()}

    return answers


def _write_onnx(network: Any, path: Path) -> None:
    import onnx

    import zoo.network.onnx_erfc  # noqa: F401 (tf2onnx knows it from here on)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras mends tf2onnx's use of old NumPy
        _export(network, path, "onnx")
    model = onnx.load(str(path))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def open_onnx(path: Path, cores: int = 0) -> ExportedNetwork:
    """Open an ONNX file for ONNX Runtime on so many cores (0: all); several threads may ask it."""
    session = session_of(str(path), cores)
    names = [output.name for output in session.get_outputs()]

    def answers(pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        return dict(zip(names, session.run(names, {INPUT: pixels}), strict=True))

    return answers


def _write_tflite(network: Any, path: Path) -> None:
    import tensorflow as tf

    # Only the operations that every interpreter has, not those that need all of TensorFlow.
    _export(
        network,
        path,
        "litert",
        target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
    )


def _open_tflite(path: Path) -> ExportedNetwork:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path)).get_signature_runner(SERVING)

    def answers(pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        return runner(**{INPUT: pixels})

    return answers


FORMATS: Mapping[str, ExportFormat] = {
    form.name: form
    for form in (
        ExportFormat("savedmodel", "model", {}, _write_savedmodel, _open_savedmodel),
        ExportFormat(
            "onnx",
            "model.onnx",
            {"tf2onnx": "tf2onnx", "onnx": "onnx", "onnxruntime": "onnxruntime"},
            _write_onnx,
            open_onnx,
        ),
        ExportFormat(
            "tflite",
            "model.tflite",
            {"ai-edge-litert": "ai_edge_litert"},
            _write_tflite,
            _open_tflite,
        ),
    )
}
