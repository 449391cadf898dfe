"""The networks of keras.applications, whose ImageNet weights Keras downloads once."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugins.backbones.scaling import DEVIATION
from zoo import MissingWeights

if TYPE_CHECKING:
    from plugins.backbones.weights_files import WeightsFile

DOWNLOAD, RANDOM = "", "none"
"""What `weights` says where it names no file."""
PATIENCE = 15.0
"""Seconds without an answer after which a download is given up."""


def opened(weights: str) -> WeightsFile | None:
    """Return the file that `weights` names, or None where it is empty or 'none'.

    Raises:
        BadInput: it is no file of weights.
    """
    from plugins.backbones import weights_files  # numpy is not needed to list architectures

    return None if weights in (DOWNLOAD, RANDOM) else weights_files.opened(Path(weights))


def network(class_name: str, rgb: Any, weights: str, given: WeightsFile | None, remedy: str) -> Any:
    """Return `keras.applications.<class_name>` without its top on the tensor `rgb`.

    `weights` is empty for ImageNet, 'none' for random ones, or the path of a file, and `given` what
    is in this.

    Raises:
        MissingWeights: they are neither cached nor can be downloaded; it says the `remedy`.
        BadInput: the file holds the weights of another network.
    """
    import keras

    source = "imagenet" if weights == DOWNLOAD else None
    try:
        # Keras tells of a download where results belong.
        aside = contextlib.redirect_stdout(sys.stderr) if source else contextlib.nullcontext()
        with aside, _impatient(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes that no weights were trained at are meant
            model = getattr(keras.applications, class_name)(
                include_top=False, weights=source, input_tensor=rgb
            )
    except Exception as error:
        # Keras raises a bare Exception where the download fails, ValueError for a wrong checksum.
        if source is None:
            raise
        address = re.search(r"https?://\S+", str(error))
        place = f" from {address[0].rstrip(':')}" if address else ""
        raise MissingWeights(
            f"The ImageNet weights of {class_name} are not on this machine and could not be "
            f"downloaded{place}. {remedy}, or bring that file and name it: --set weights=PATH."
        ) from error
    if given is not None:
        from plugins.backbones import weights_files

        weights_files.give(model, given, class_name)
        if not given.state:
            _divide_by_deviation(model)
    return model


def cached(file: str) -> bool:
    """Tell whether Keras has downloaded a file of weights to this machine; Keras stays unloaded."""
    home = os.environ.get("KERAS_HOME")
    folder = Path(home) if home else Path("~/.keras").expanduser()
    return (folder / "models" / file).is_file()


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Let a connection without an answer fail; Keras sets no limit of its own."""
    import socket

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _divide_by_deviation(model: Any) -> None:
    """Scale the input of EfficientNetB0-B7 as ImageNet's weights expect it.

    Their files keep the standard deviation where the layer expects its square. Keras makes up for
    it by a further division, in a layer that it builds for its own download only; here it joins
    the first. Other networks keep no scaling in their files.
    """
    import keras
    import numpy as np

    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            mean, variance, count = layer.get_weights()
            layer.set_weights([mean, variance * np.array(DEVIATION), count])
            layer.finalize_state()
