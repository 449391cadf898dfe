"""The EfficientNets of keras.applications, whose weights Keras downloads once."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo import BadInput, MissingWeights

SUFFIXES = (".weights.h5", "_notop.h5")
PATIENCE = 15.0
"""Seconds without an answer after which a download is given up."""
MIDDLE = "block6a_expand_activation"
"""The last features of 1/16 of the input's side, in every one of these networks."""
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def backbone(rgb: Any, pixels: Any, class_name: str, weights: str) -> dict[str, Any]:
    """Return feature maps of `keras.applications.<class_name>` for 0-255 RGB.

    'middle' has 1/16 of the height and width, 'last' 1/32.

    Raises:
        MissingWeights: they are neither cached nor can be downloaded.
        BadInput: the weights file is not one, or of another network.
    """
    import keras

    path = Path(weights) if weights not in ("", "none") else None
    if path is not None and not path.is_file():
        raise BadInput(f"There is no weights file '{path}'. Check weights=PATH.")
    if path is not None and not path.name.endswith(SUFFIXES):
        raise BadInput(
            f"'{path}' is refused; expected a file that holds weights alone (.weights.h5, as "
            "model.save_weights writes it, or Keras's own _notop.h5)."
        )
    make = getattr(keras.applications, class_name)
    source = "imagenet" if weights == "" else None
    try:
        with _impatient():
            model = make(include_top=False, weights=source, input_tensor=rgb)
    except Exception as error:
        # Keras raises a bare Exception where the download fails, ValueError for a wrong checksum.
        if source is None:
            raise
        raise MissingWeights(
            f"The ImageNet weights of {class_name} are not on this machine and could not be "
            "downloaded. Use the variant whose weights are installed, --set variant=lite0, or "
            "name a file: --set weights=PATH."
        ) from error
    if path is not None:
        whole = keras.Model(pixels, model.output)
        try:
            whole.load_weights(path)
        except Exception as error:  # h5py and Keras raise many kinds
            raise BadInput(
                f"'{path}' does not hold the weights of {class_name} without its top: "
                f"{str(error).splitlines()[0]}"
            ) from error
        _divide_by_deviation(whole)
    return {"middle": model.get_layer(MIDDLE).output, "last": model.output}


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Let a connection without an answer fail; Keras sets no limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _divide_by_deviation(model: Any) -> None:
    """Scale the input of B0-B7 as ImageNet's weights expect it.

    Their files keep the standard deviation where the layer expects its square. Keras makes up for
    it by a further division, in a layer that it builds for its own download only; here it joins
    the first. V2 files keep no scaling.
    """
    import keras
    import numpy as np

    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            mean, variance, count = layer.get_weights()
            layer.set_weights([mean, variance * np.array(IMAGENET_DEVIATION), count])
            layer.finalize_state()
