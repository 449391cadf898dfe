"""The network of a run: written without its optimizer, and loaded in safe mode."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.errors import BadInput, DamagedRun, ZooError, in_a_line
from zoo.base.files import replacing
from zoo.network import keras_files, localiser, plugin_layers
from zoo.network.classifier import TrainedClassifier
from zoo.network.frame import Finder
from zoo.network.onnx_session import check_runtime
from zoo.network.plugin_layers import Origin
from zoo.runs import reproducible
from zoo.runs.run_folder import LOCALISER, MODEL, Run

ONNX_GRAPH = "OnnxGraph"
BUILT_BY = "built_by"
"""The key of a run's record under which it is kept what its network was built by."""


def save_model(path: Path, model: Any) -> None:
    """Write the network without optimizer or loss; equal networks give equal files."""
    import keras

    bare = keras.Model(model.input, model.output, name=model.name)  # never compiled, same layers
    with replacing(path / MODEL) as temporary:
        bare.save(temporary)
        reproducible.rewrite(temporary)


def load_classifier(run: Run) -> TrainedClassifier:
    """Load the network of a finished run; no code from the file is executed.

    Raises:
        DamagedRun: the file is not a Keras archive, has a Lambda layer, layers of a plugin that is
            not installed, or weights that are not finite, or is of another input or other classes
            than the record says.
        InvalidSetting: the network is in ONNX, and ONNX Runtime is not installed.
    """
    path = run.path / MODEL
    try:
        layers = keras_files.layer_classes(path)
    except Exception as error:  # a damaged archive, or one made to do harm, fails in many ways
        raise DamagedRun(
            f"'{path}' is not a .keras model file. Copy the run again, or train again."
        ) from error
    if ONNX_GRAPH in layers:
        check_runtime()
    if "Lambda" in layers:
        raise DamagedRun(
            f"'{path}' has a Lambda layer, which could run any code, and is refused. "
            "Build the network from keras.ops or registered layers."
        )
    try:
        model = plugin_layers.load(path, origins(run.record))
    except ZooError as error:
        raise DamagedRun(f"'{path}' cannot be loaded: {error}") from error
    except Exception as error:  # Keras raises many kinds
        raise DamagedRun(
            f"'{path}' cannot be loaded ({in_a_line(error)}). If its architecture came from a "
            "package, install that package."
        ) from error
    _check(model, run)
    return TrainedClassifier(model, run.class_names, run.record["positive"], run.temperature)


def origins(record: Mapping[str, Any]) -> list[Origin]:
    """Return what the network of a run was built by: several where it joins several."""
    try:
        return [Origin.from_record(one) for one in record[BUILT_BY]]
    except (KeyError, TypeError):  # a record of another time: Keras's own layers need none
        return []


def load_finder(run: Run) -> Finder | None:
    """Load what finds the parts of an image that heat maps are judged by; None of a run without.

    Raises:
        DamagedRun: the file is damaged.
    """
    path = run.path / LOCALISER
    if not path.is_file():
        return None
    try:
        return Finder(localiser.load(path), tuple(run.record["input_shape"]))
    except BadInput as error:
        raise DamagedRun(f"{error} Or train the run again.") from error


def _check(model: Any, run: Run) -> None:
    """Compare a network with the record of its run."""
    given = (list(model.input_shape[1:]), model.output_shape[-1])
    wanted = (list(run.record["input_shape"]), len(run.class_names))
    if given != wanted:
        raise DamagedRun(
            f"The network of '{run.name}' takes pictures of {given[0]} and tells {given[1]} "
            f"classes; its record says {wanted[0]} and {wanted[1]}. Copy the run again."
        )
    for layer in model.layers:
        if type(layer).__name__ == ONNX_GRAPH:
            try:
                layer.session  # noqa: B018  # what cannot be computed is told before it is asked
            except Exception as error:  # ONNX Runtime raises many kinds
                raise DamagedRun(
                    f"The ONNX graph of '{run.name}' cannot be computed ({in_a_line(error)}). "
                    "Copy the run again, or install the newest ONNX Runtime."
                ) from error
    for variable in model.variables:
        if not np.isfinite(np.asarray(variable, np.float32)).all():
            raise DamagedRun(
                f"The network of the run '{run.name}' has weights that are not finite, in "
                f"'{variable.path}': its answers would mean nothing. Train it again."
            )
