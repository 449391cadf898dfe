"""The EfficientNets of keras.applications, whose weights Keras downloads once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.errors import BadInput, MissingWeights


def backbone(rgb: Any, pixels: Any, class_name: str, weights: str) -> Any:
    """Return the last feature map of `keras.applications.<class_name>` for 0-255 RGB.

    Raises:
        MissingWeights: they are neither cached nor can be downloaded.
        BadInput: the weights file is not one, or of another network.
    """
    import keras

    path = Path(weights) if weights not in ("", "none") else None
    if path is not None and not path.is_file():
        raise BadInput(f"There is no weights file '{path}'. Check weights=PATH.")
    if path is not None and not path.name.endswith(".weights.h5"):
        raise BadInput(
            f"'{path}' is refused; expected a file that holds weights alone (.weights.h5), as "
            "model.save_weights writes it."
        )
    make = getattr(keras.applications, class_name)
    source = "imagenet" if weights == "" else None
    try:
        model = make(include_top=False, weights=source, input_tensor=rgb)
    except Exception as error:
        # Keras raises a bare Exception or an URLError, depending on where the download fails.
        if source is None or isinstance(error, (ValueError, TypeError)):
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
    return model.output
