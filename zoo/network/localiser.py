"""A small network that finds the part of a picture that matters, such as the lungs in a radiograph.

Convolutions on a gray picture of 96 x 96 give a mask of 48 x 48: down to 3 x 3 and up again, with
what was seen on the way down added on the way up (after Ronneberger, Fischer and Brox, U-Net,
2015). It is no segmentation to measure organs with: a box is put around what it finds.

The weights that come with the package, `lungs.npz`, find lungs. They were trained on the lung masks
of V7 Labs (COVID-19 X-ray dataset, 2020; CC BY 4.0) for the radiographs of Kermany, Zhang and
Goldbaum (2018; CC BY 4.0), and on synthetic radiographs. The file says so, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.array_files import Expected, check_arrays
from zoo.base.errors import BadInput
from zoo.base.files import replacing
from zoo.network.graph import FRAME

SIDE = 96
"""Rows and columns of the gray picture; a mask has half as many."""
WIDTHS = (16, 24, 40, 64, 80)
"""Channels at half of `SIDE`, at a quarter and so on."""
FAINT = 5.0
"""Gray levels that are added to a picture's contrast, so that a blank one stays blank."""
LUNGS = Path(__file__).with_name("lungs.npz")
ABOUT = {
    "limits": Expected("f", "described two"),
    "dice": Expected("f", "", low=0, high=1),
    "overlap": Expected("f", "", low=0, high=1),
    "masks": Expected("iu", "", low=0),
    "attribution": Expected("U", ""),
}
"""What a file holds beside the weights."""


@dataclass(frozen=True, eq=False)
class Localiser:
    """Trained weights, and what is plausible of what they find.

    `weights` are the arrays of `build` by the names of their layers: `down0/kernel`, `down0/bias`.
    `limits` is `(9, 2)`: the least and greatest plausible value of each of
    `zoo.network.boxes.DESCRIPTION`. `dice` and `overlap` are the mean Dice coefficient of masks and
    the mean intersection over union of boxes, 0 to 1, on `masks` pictures of patients that were
    not trained on. `attribution` says whose masks they were.
    """

    weights: Mapping[str, np.ndarray]
    limits: np.ndarray
    dice: float
    overlap: float
    masks: int
    attribution: str = ""

    @cached_property
    def key(self) -> str:
        """Identify what it finds by 12 hexadecimal digits."""
        content = hashlib.blake2b(self.limits.astype(np.float32).tobytes(), digest_size=6)
        for name in sorted(self.weights):
            content.update(name.encode() + self.weights[name].astype(np.float16).tobytes())
        return content.hexdigest()

    def network(self, input_shape: tuple[int, int, int]) -> Any:
        """Return the frozen network for pictures of a shape: see `build`.

        Raises:
            BadInput: the weights are those of another network.
        """
        model = build(input_shape)
        wanted = _variables(model)
        given = {name: array.shape for name, array in self.weights.items()}
        if given != {name: tuple(variable.shape) for name, variable in wanted.items()}:
            raise BadInput(
                f"The localiser has other weights ({len(given)} arrays) than the {len(wanted)} of "
                "this version's network. Train it again."
            )
        for name, variable in wanted.items():
            variable.assign(self.weights[name])
        model.trainable = False
        return model


def build(input_shape: tuple[int, int, int], seed: int = 0) -> Any:
    """Return the untrained Keras model: pixels 0-255 in, `(batch, 48, 48, 1)` logits out.

    `input_shape` is height, width and 1 or 3 channels, of any size. A picture's own mean and
    contrast are taken out of it. Everything is computed in float32. Weights are drawn by `seed`
    (He and others, Delving Deep into Rectifiers, 2015).
    """
    import keras
    from keras import layers

    from zoo.network.cutting import Thumbnail

    seeds = map(int, np.random.default_rng(seed).integers(2**31, size=4 * len(WIDTHS)))

    def convolved(x: Any, width: int, kernel: int, name: str, strides: int = 1) -> Any:
        return layers.Conv2D(
            width,
            kernel,
            strides=strides,
            padding="same",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(next(seeds)),
            dtype="float32",
            name=FRAME + name,
        )(x)

    pixels = keras.Input(input_shape)
    x = Thumbnail(SIDE, name=f"{FRAME}thumbnail")(pixels)
    x = layers.LayerNormalization(
        axis=(1, 2, 3),
        epsilon=FAINT**2,
        center=False,
        scale=False,
        dtype="float32",
        name=f"{FRAME}contrast",
    )(x)
    seen = []
    for depth, width in enumerate(WIDTHS):
        x = convolved(x, width, 3 if depth else 5, f"down{depth}", strides=2)
        if depth:
            x = convolved(x, width, 3, f"at{depth}")
        seen.append(x)
    for depth, width in reversed(list(enumerate(WIDTHS[:-1]))):
        x = convolved(x, width, 1, f"up{depth}")
        x = layers.UpSampling2D(2, dtype="float32", name=f"{FRAME}enlarged{depth}")(x)
        x = layers.Add(dtype="float32", name=f"{FRAME}joined{depth}")([x, seen[depth]])
        x = convolved(x, width, 3, f"out{depth}")
    start = keras.initializers.GlorotUniform(next(seeds))
    logits = layers.Conv2D(1, 1, kernel_initializer=start, dtype="float32", name=f"{FRAME}logits")(
        x
    )
    return keras.Model(pixels, logits)


def weights_of(model: Any) -> dict[str, np.ndarray]:
    """Return the arrays of a network that `build` made, by name."""
    return {name: np.asarray(variable) for name, variable in _variables(model).items()}


def lungs() -> Localiser:
    """Return the localiser of lungs that comes with the package."""
    return load(LUNGS)


def as_kept(localiser: Localiser) -> Localiser:
    """Return a localiser as it is read from its file, where weights have 16 bits."""
    weights = {n: a.astype(np.float16).astype(np.float32) for n, a in localiser.weights.items()}
    return replace(localiser, weights=weights, limits=localiser.limits.astype(np.float32))


def save(path: Path, localiser: Localiser) -> None:
    """Write a localiser as one .npz file, its weights in 16 bits."""
    arrays: dict[str, Any] = {
        **{name: array.astype(np.float16) for name, array in localiser.weights.items()},
        "limits": localiser.limits.astype(np.float32),
        "dice": localiser.dice,
        "overlap": localiser.overlap,
        "masks": localiser.masks,
        "attribution": localiser.attribution,
    }
    with replacing(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def load(path: Path) -> Localiser:
    """Read a localiser that `save` has written.

    Raises:
        BadInput: there is no such file, or it is damaged or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            named = {name: arrays[name] for name in arrays.files if "/" in name}
            about = {name: arrays[name] for name in ABOUT}
            check_arrays(about, ABOUT, two=2)
            check_arrays(named, dict.fromkeys(named, Expected("f")))
            return Localiser(
                weights={name: array.astype(np.float32) for name, array in named.items()},
                limits=about["limits"],
                dice=float(about["dice"]),
                overlap=float(about["overlap"]),
                masks=int(about["masks"]),
                attribution=str(about["attribution"]),
            )
    except Exception as error:  # a damaged archive fails in many ways
        raise BadInput(
            f"The localiser '{path}' cannot be read ({error}). Expected an .npz file that "
            "xray-zoo has written: copy it again, or train it again."
        ) from error


def _variables(model: Any) -> dict[str, Any]:
    return {
        f"{layer.name.removeprefix(FRAME)}/{variable.name}": variable
        for layer in model.layers
        for variable in layer.weights
    }
