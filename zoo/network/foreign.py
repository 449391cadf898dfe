"""A network that was trained elsewhere: opened, and made one of raw pixels and logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.errors import BadInput, InvalidSetting, in_a_line
from zoo.network import graph, keras_files, onnx_file, saved_model
from zoo.network.branches import inputs, maker
from zoo.network.onnx_file import OnnxFile
from zoo.network.probabilities import PERCENT, gives_percentages, logits_of

CHANNELS = (1, 3)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's channels from 0 to 1, as torchvision's networks are fed."""
BLUE_GREEN_RED = (103.939, 116.779, 123.68)
"""Of ImageNet's channels from 0 to 255, as networks of Caffe were fed."""
ENDINGS = ("softmax", "sigmoid")
HOLDING = (list, tuple, dict)
"""In which a network may have its input or its output."""
FEATURES, ANSWERS = "features", "answers"


def as_they_are(pixels: Any) -> Any:
    """Feed 0 to 255."""
    return pixels


def to_one(pixels: Any) -> Any:
    """Feed 0 to 1."""
    import keras

    return keras.layers.Rescaling(1 / 255, name="input_range")(pixels)


def around_zero(pixels: Any) -> Any:
    """Feed -1 to 1."""
    import keras

    return keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="input_range")(pixels)


def standardised(pixels: Any) -> Any:
    """Feed 0 to 1, less ImageNet's means, over its deviations; of gray, their averages."""
    import keras

    mean, deviation = (
        list(v) if pixels.shape[-1] == len(MEAN) else [float(np.mean(v))] for v in (MEAN, DEVIATION)
    )
    scale = [1 / (255 * d) for d in deviation]
    offset = [-m / d for m, d in zip(mean, deviation, strict=True)]
    return keras.layers.Rescaling(scale, offset, name="input_range")(pixels)


def of_caffe(pixels: Any) -> Any:
    """Feed blue, green, red from 0 to 255, less ImageNet's means."""
    import keras

    turned = keras.ops.take(pixels, [2, 1, 0], axis=-1)
    offset = [-m for m in BLUE_GREEN_RED]
    return keras.layers.Rescaling([1.0] * 3, offset, name="input_range")(turned)


RANGES: dict[str, Callable[[Any], Any]] = {
    "0-255": as_they_are,
    "0-1": to_one,
    "-1-1": around_zero,
    "imagenet": standardised,
    "caffe": of_caffe,
}
"""What networks are fed, by the name that `--input-range` has for it."""


@dataclass(frozen=True, eq=False)
class Foreign:
    """A network from elsewhere, made flat, and the `(height, width, channels)` that it takes.

    `ending` says what was taken away or turned back at its end so that logits are left, `embedding`
    what known cases are compared by: 'features', what its last layer sees, or 'answers', where it
    has no such layer.
    """

    model: Any
    input_shape: tuple[int, int, int]
    ending: str
    embedding: str = FEATURES

    def fed(self, input_range: str) -> Any:
        """Return the network of pixels from 0 to 255, which are brought to the range inside.

        Its weights are copies.
        """
        import keras

        pixels = keras.Input(self.input_shape, name="pixels")
        outer = keras.Model(pixels, self.model(RANGES[input_range](pixels)))
        return graph.unnested(outer, self.input_shape)

    def ranges(self) -> list[str]:
        """Return the names of the ranges that pictures of its channels can be brought to."""
        gray = self.input_shape[2] == 1
        return [name for name in RANGES if not (gray and name == "caffe")]


def opened(
    path: Path,
    num_classes: int,
    size: tuple[int, int, int] | None = None,
    *,
    trust: bool = False,
) -> Foreign:
    """Load a network and end it in `num_classes` logits.

    It is a .keras file, which is loaded in safe mode, an .onnx file, or the folder of a SavedModel,
    which is loaded where it is said to `trust` it. `size` is its input where the file leaves it
    open.

    Raises:
        BadInput: there is no such file, it is none of these, or a SavedModel is not trusted.
        InvalidSetting: it has layers that could run code or are not Keras's, operators that ONNX
            Runtime does not have, more than one input or output, another number of classes, an
            open input, or weights that are not finite; or a package is missing.
    """
    import keras

    file = _in_onnx(path, trust)
    if file is None:
        model, name, ending, embedding = _plain(_loaded(path)), path.name, "", FEATURES
        shape = _input_shape(model, name, size)
        if tuple(model.inputs[0].shape[1:]) != shape:
            pixels = keras.Input(shape)
            model = keras.Model(pixels, model(pixels))
        model = graph.unnested(model, shape)
    else:
        name, embedding = file.name, FEATURES if file.head else ANSWERS
        shape = _sized(file.shape, name, size)
        model, ending = onnx_file.network(file, shape)
    _check_ends(model, name, num_classes)
    logits, found = _logits(model, num_classes)
    model = keras.Model(model.input, logits, name="imported")
    for variable in model.variables:
        if not np.isfinite(np.asarray(variable, np.float32)).all():
            raise InvalidSetting(
                f"'{name}' has weights that are not finite, in '{variable.path}': its answers "
                "would mean nothing. Save it again from a training that did not go astray."
            )
    graph.check_flat(model, shape, num_classes, name)
    return Foreign(model, shape, ending or found, embedding)


def _in_onnx(path: Path, trust: bool) -> OnnxFile | None:
    """Read a network that Keras does not open, as ONNX; None of any other file."""
    if path.is_dir():
        return saved_model.read(path, trust=trust)
    if path.suffix.lower() == ".onnx" and path.is_file():
        return onnx_file.read(path)
    return None


def _loaded(path: Path) -> Any:
    import keras

    if not path.is_file():
        raise BadInput(
            f"There is no file '{path}'. Expected a network saved as .keras or .onnx, or the "
            "folder of a SavedModel."
        )
    if path.suffix.lower() in (".h5", ".hdf5"):
        raise BadInput(
            f"'{path}' is refused: loading .h5 files can run code that is in them. Where you trust "
            "it, convert it in Python:\n"
            f"  import keras; model = keras.models.load_model('{path.name}', compile=False)\n"
            f"  model.save('{path.stem}.keras')"
        )
    try:
        layers = keras_files.layer_classes(path)
    except Exception as error:  # a damaged archive, or one made to do harm, fails in many ways
        raise BadInput(
            f"'{path}' is not a .keras file. Save the network with model.save('NAME.keras'), or "
            "export it to ONNX where it is not one of Keras: docs/importing.md."
        ) from error
    if "Lambda" in layers:
        raise InvalidSetting(
            f"'{path}' has a Lambda layer, which could run any code, and is refused. Build the "
            "network from keras.ops or Keras's own layers, and save it again."
        )
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds
        raise InvalidSetting(
            f"'{path}' cannot be loaded ({in_a_line(error).rstrip('.')}). Expected a network of "
            "Keras's own layers; for layers of your own, write an architecture plugin: "
            "docs/plugins.md."
        ) from error


def _plain(model: Any) -> Any:
    """Give a network of one tensor each way, where it has a list or a dictionary of one."""
    import keras

    ends = [getattr(model, end, None) for end in ("inputs", "outputs")]
    if not all(given and len(given) == 1 for given in ends):
        return model
    held = any(isinstance(getattr(model, end, None), HOLDING) for end in ("input", "output"))
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name) if held else model


def _input_shape(model: Any, name: str, size: tuple[int, int, int] | None) -> tuple[int, int, int]:
    if len(getattr(model, "inputs", None) or []) != 1:
        told = len(getattr(model, "inputs", None) or [])
        raise InvalidSetting(f"'{name}' has {told or 'no known'} inputs; expected one, of pixels.")
    shape = tuple(model.inputs[0].shape[1:])
    if len(shape) != 3 or shape[2] not in CHANNELS:
        raise InvalidSetting(
            f"'{name}' takes input of shape {shape}; expected (height, width, channels) with 1 or "
            "3 channels, which come last."
        )
    return _sized(shape, name, size)


def _sized(
    shape: tuple[int | None, ...], name: str, size: tuple[int, int, int] | None
) -> tuple[int, int, int]:
    """Return the input of a network: what is open in the file is what `size` says."""
    if size is not None:
        if any(own not in (None, asked) for own, asked in zip(shape, size, strict=True)):
            raise InvalidSetting(f"'{name}' takes input of shape {shape}; --input {size} differs.")
        return size
    height, width, channels = shape
    if height is None or width is None or channels is None:
        raise InvalidSetting(
            f"'{name}' takes pictures of any size. Say which one it was trained on, as --input 224."
        )
    return height, width, channels


def _check_ends(model: Any, name: str, num_classes: int) -> None:
    import keras

    if not isinstance(model, keras.Model) or len(model.outputs) != 1:
        raise InvalidSetting(f"'{name}' has several outputs; expected one, with the classes.")
    given = tuple(model.output_shape[1:])
    single = num_classes == 2 and given == (1,)
    if given != (num_classes,) and not single:
        raise InvalidSetting(
            f"'{name}' gives output of shape {given}; --classes names {num_classes}. Name them "
            "all, in the order of its outputs."
        )


def _logits(model: Any, num_classes: int) -> tuple[Any, str]:
    """Return a tensor of logits, and in a word what the network ended in."""
    import keras

    output, ending = _without_activation(model.output)
    single = output.shape[-1] != num_classes
    if ending == "none":
        plain = keras.Model(model.input, output)
        if graph.gives_probabilities(plain):
            ending = onnx_file.PROBABILITIES
        elif gives_percentages(plain):
            output, ending = keras.ops.divide(output, PERCENT), onnx_file.PERCENTAGES
        if ending != "none":
            output = logits_of(output, single=single)
    return (_of_two(output) if single else output), ending


def _of_two(output: Any) -> Any:
    """Make logits of two classes of one number, which says how much more the second one it is."""
    import keras

    halves, last = np.array([-0.5, 0.5], np.float32), maker(output)
    if not isinstance(last, keras.layers.Dense):
        return keras.ops.multiply(output, halves)
    head = keras.layers.Dense(2, use_bias=last.use_bias, name=f"{last.name}_of_two")
    logits = head(inputs(output)[0])
    head.set_weights([np.asarray(weight) * halves for weight in last.get_weights()])
    return logits


def _without_activation(output: Any) -> tuple[Any, str]:
    """Take a softmax or sigmoid away from the end; in place where it belongs to a layer."""
    import keras

    last = maker(output)
    kind = type(last).__name__.lower()
    if kind in ENDINGS:
        return inputs(output)[0], kind
    activation = getattr(getattr(last, "activation", None), "__name__", "")
    if activation not in ENDINGS:
        return output, "none"
    if isinstance(last, keras.layers.Activation):
        return inputs(output)[0], activation
    last.activation = keras.activations.linear
    return output, activation
