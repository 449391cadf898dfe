"""A network in a folder as TensorFlow's SavedModel: converted to ONNX, where it is trusted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from zoo.base.errors import BadInput, InvalidSetting, ZooError, in_a_line
from zoo.network import onnx_file
from zoo.network.export_formats import FORMATS, SERVING
from zoo.network.onnx_file import OnnxFile

GRAPH = "saved_model.pb"


def read(path: Path, *, trust: bool) -> OnnxFile:
    """Convert the SavedModel in a folder.

    Loading one can read and write files: it is done where it is said that it may be trusted.

    Raises:
        BadInput: the folder holds no SavedModel, it is not trusted, or cannot be loaded.
        InvalidSetting: a package is missing, it takes no pictures, or ONNX has no such operation.
    """
    if not (path / GRAPH).is_file():
        raise BadInput(
            f"The folder '{path}' holds no SavedModel (no {GRAPH}). Expected a .keras or .onnx "
            "file, or the folder of a SavedModel."
        )
    if not trust:
        raise BadInput(
            f"'{path}' is refused: loading a SavedModel can run operations that read and write "
            "files. Where you know who made it and trust them, say --trust."
        )
    FORMATS["onnx"].check_packages()
    name = path.resolve().name
    try:
        network = _network(path, name)
    except ZooError:
        raise
    except Exception as error:  # of many kinds
        raise BadInput(
            f"'{path}' cannot be loaded as a SavedModel ({in_a_line(error).rstrip('.')}). "
            "Save it again."
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FORMATS["onnx"].file
        try:
            FORMATS["onnx"].write(network, file)
            return onnx_file.of_model(onnx_file.loaded(file), name)
        except ZooError:
            raise
        except Exception as error:  # the converter raises its own kinds
            raise InvalidSetting(
                f"'{path}' cannot be converted to ONNX ({in_a_line(error).rstrip('.')}). Save it "
                "with operations that ONNX has, or export it to ONNX where it was trained."
            ) from error


def _network(path: Path, name: str) -> Any:
    """Return a Keras model of one layer that answers as the SavedModel does when it is served."""
    import keras
    import tensorflow as tf

    signatures = tf.saved_model.load(str(path)).signatures
    if SERVING not in signatures:
        told = ", ".join(sorted(signatures)) or "none"
        raise InvalidSetting(
            f"'{name}' has no signature '{SERVING}', but {told}. Save it with one."
        )
    given = list(signatures[SERVING].structured_input_signature[1].values())
    if len(given) != 1:
        raise InvalidSetting(f"'{name}' has {len(given)} inputs; expected one, of pixels.")
    shape, takes = given[0].shape, given[0].dtype.name
    if shape.rank != 4:
        raise InvalidSetting(
            f"'{name}' takes input of shape {shape}; expected (batch, height, width, channels)."
        )
    if takes not in onnx_file.TAKEN:
        raise InvalidSetting(f"'{name}' takes {takes}; expected {' or '.join(onnx_file.TAKEN)}.")
    pixels = keras.Input(tuple(shape[1:]), dtype=takes)
    return keras.Model(pixels, keras.layers.TFSMLayer(str(path), call_endpoint=SERVING)(pixels))
