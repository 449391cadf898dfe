"""Files of weights that a user brings: of Keras, of PyTorch, or safetensors; none can run code."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plugins.backbones import torch_densenet
from plugins.backbones.torch_files import read_state
from zoo import BadInput, ZooError

TORCH = (".pt", ".pth", ".tar")
KINDS = "Expected .weights.h5, .h5, .keras, .safetensors, or .pt and .pth of a DenseNet"
LARGEST = 16
"""How many times the bytes of a network's weights a file of it may have: an optimizer has some."""


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """A file of weights; `state` holds its arrays by name, where Keras does not read the file."""

    path: Path
    state: Mapping[str, np.ndarray] = field(default_factory=dict)


def opened(path: Path) -> WeightsFile:
    """Look at a file of weights, and read it where it names its arrays.

    Raises:
        BadInput: there is no such file, or it is none of the kinds that are known.
        ZooError: it is a .safetensors file and the package that reads these is not installed.
    """
    if not path.is_file():
        raise BadInput(f"There is no weights file '{path}'. Check weights=PATH.")
    kind = path.suffix.lower()
    if kind in TORCH:
        return WeightsFile(path, read_state(path))
    if kind == ".safetensors":
        return WeightsFile(path, _safetensors(path))
    if kind not in (".h5", ".keras"):
        raise BadInput(f"'{path}' is not a weights file that is known. {KINDS}.")
    return WeightsFile(path)


def give(model: Any, given: WeightsFile, class_name: str) -> None:
    """Give a network of `keras.applications` without its top the weights of a file.

    Raises:
        BadInput: it does not hold the weights of this network.
    """
    try:
        if torch_densenet.is_one(given.state) and class_name.startswith("DenseNet"):
            torch_densenet.give(model, given.state)
        elif given.state:
            for variable in model.variables:
                variable.assign(given.state[variable.path])
        elif given.path.suffix.lower() == ".keras":
            _load_archive(model, given.path)
        else:
            model.load_weights(given.path)
    except Exception as error:  # h5py and Keras raise many kinds
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BadInput(
            f"'{given.path}' does not hold the weights of {class_name} without its top: {told}. "
            f"{KINDS}, as model.save_weights('NAME.weights.h5') writes it."
        ) from error


def _safetensors(path: Path) -> Mapping[str, np.ndarray]:
    try:
        from safetensors.numpy import load_file
    except ImportError as error:
        raise ZooError(
            f"'{path}' needs the package safetensors to be read: pip install "
            "'xray-zoo[safetensors]'"
        ) from error
    try:
        return load_file(path)
    except Exception as error:  # a damaged file fails in many ways
        raise BadInput(
            f"'{path}' is not a .safetensors file that can be read ({error})."
        ) from error


def _load_archive(model: Any, path: Path) -> None:
    """Load the weights of a .keras file; what it says of layers, perhaps code, is not read."""
    most = LARGEST * (4 * model.count_params() + 2**20)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        content = Path(folder) / "model.weights.h5"
        with archive.open("model.weights.h5") as member, content.open("wb") as copy:
            while block := member.read(2**20):
                copy.write(block)
                if copy.tell() > most:
                    raise ValueError("it has more weights than the network")
        model.load_weights(content)
