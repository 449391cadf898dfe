"""Which part of a picture a network sees: found, cut out and enlarged within the network itself.

A framed network takes whole pictures, at a larger size than the network in it. A frozen
localiser finds what matters, such as the lungs; a box is put around it; the network sees what is
in the box. All of it are layers of one flat graph, whose names begin with `frame.`: so it is saved,
exported and asked like any other network, and nobody can forget to cut.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.base.errors import InvalidSetting
from zoo.network import graph
from zoo.network.graph import FRAME
from zoo.network.localiser import Localiser

BOX, CUT = f"{FRAME}box", f"{FRAME}cut"
READING = 10 / 7
"""How much larger a picture is read than what is cut from it: lungs take about 7/10 of a side."""
BATCH = 32
MASK = 24
"""Rows and columns of the mask of what is in a box."""
Box = tuple[float, float, float, float]
"""Top, left, bottom and right of a part of a picture, as shares of it."""
WHOLE = np.array([0, 0, 1, 1], np.float32)
"""The box of a whole picture."""


def reading_shape(input_shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the shape of the pictures that a framed network of this input takes: 320 for 224."""
    height, width, channels = input_shape
    return round(height * READING), round(width * READING), channels


def framed(inner: Any, localiser: Localiser) -> Any:
    """Return a flat functional Keras model: whole pictures 0-255 in, the logits of `inner` out.

    `inner` is a functional model, flat or nested, with an input `(height, width, channels)` of one
    size; its layers are copied with their weights. The new input is `reading_shape` of that.

    Raises:
        InvalidSetting: it has a frame already, or a layer of it cannot be copied.
    """
    import keras

    from zoo.network.cutting import Cut

    for layer in inner.layers:
        if layer.name.startswith(FRAME):
            raise InvalidSetting(
                f"A frame was asked of a network that has the layer '{layer.name}'. Expected one "
                f"without a frame, and no layer whose name begins with '{FRAME}'."
            )
    input_shape = tuple(inner.input_shape[1:])
    find = finder(localiser, input_shape)
    part = Cut(input_shape[:2], name=CUT)(find.input, find.output)
    return graph.unnested(
        keras.Model(find.input, inner(part), name=inner.name), reading_shape(input_shape)
    )


def finder(localiser: Localiser, input_shape: tuple[int, int, int]) -> Any:
    """Return a Keras model from pictures to boxes, for a network that sees `input_shape` of them.

    Pictures have `reading_shape` of that; boxes are those of `finding`.
    """
    import keras

    pixels, _, box = _looking(localiser, reading_shape(input_shape))
    return keras.Model(pixels, box)


def _looking(localiser: Localiser, shape: tuple[int, int, int]) -> tuple[Any, Any, Any]:
    """Return tensors: pictures of a shape, the logits of their masks and their boxes."""
    from zoo.network.boxes import FindBox

    find = localiser.network(shape)
    return find.input, find.output, FindBox(localiser.limits.tolist(), name=BOX)(find.output)


class Finder:
    """Finds, by a localiser, where in pictures of one shape that is which they are cut to."""

    def __init__(self, localiser: Localiser, input_shape: tuple[int, int, int]) -> None:
        import keras

        pixels, logits, box = _looking(localiser, input_shape)
        self._both = keras.Model(pixels, [logits, box])

    def __call__(self, pixels: np.ndarray) -> list[np.ndarray | None]:
        """Return a mask of each picture, `(height, width)` bool; None where it is not plausible.

        `pixels` is `(batch, height, width, channels)`, 0-255.
        """
        masks, boxes = self.look(pixels)
        return [mask if known else None for mask, known in zip(masks, found(boxes), strict=True)]

    def look(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the masks, plausible or not, `(batch, height, width)` bool, and the boxes."""
        masks, boxes = [np.zeros((0, *pixels.shape[1:3]), bool)], [np.zeros((0, 4), np.float32)]
        for start in range(0, len(pixels), BATCH):
            logits, box = self._both(pixels[start : start + BATCH].astype(np.float32))
            boxes.append(np.asarray(box))
            masks += [
                placed(mask, WHOLE, pixels.shape[1:3])[None] > 0
                for mask in np.asarray(logits)[..., 0]
            ]
        return np.concatenate(masks), np.concatenate(boxes)


def found(boxes: np.ndarray) -> np.ndarray:
    """Tell of boxes `(n, 4)` which are not the whole picture, `(n,)` bool."""
    return (boxes != WHOLE).any(axis=1)


def mask_finder(localiser: Localiser, input_shape: tuple[int, int, int]) -> Any:
    """Return a Keras model from pictures to boxes and what is in them, `(batch, 4 + cells)`.

    Behind the box come the rows of a mask of what is in it, `MASK` x `MASK` cells, 0 to 1.
    """
    import keras

    from zoo.network.cutting import Cut

    pixels, logits, box = _looking(localiser, reading_shape(input_shape))
    mask = Cut((MASK, MASK))(keras.ops.sigmoid(logits), box)
    flat = keras.layers.Flatten(dtype="float32")(mask)
    return keras.Model(pixels, keras.layers.Concatenate(dtype="float32")([box, flat]))


def box_of(box: np.ndarray) -> Box | None:
    """Return a box `(4,)` as plain numbers; None for that of a whole picture."""
    if not found(box[None])[0]:
        return None
    top, left, bottom, right = map(float, box)
    return top, left, bottom, right


def is_framed(model: Any) -> bool:
    """Tell whether a network looks at a part of its picture that it finds by itself."""
    return any(layer.name == CUT for layer in model.layers)


def finding(model: Any) -> Any:
    """Return the part of a framed network from pictures to boxes, as a Keras model.

    Boxes are `(batch, 4)`: top, left, bottom, right as shares of the picture, 0 to 1.
    """
    import keras

    return keras.Model(model.input, model.get_layer(BOX).output)


def unframed(model: Any) -> Any:
    """Return the part of a framed network from what it sees to logits; it has the same weights."""
    import keras

    return keras.Model(model.get_layer(CUT).output, model.output)


def with_boxes(model: Any) -> Any:
    """Return a network that takes pictures and their boxes, instead of finding them.

    With the weights of the framed `model`. So the box can be held fixed while the picture changes.
    """
    import keras

    from zoo.network.cutting import Cut

    inner = unframed(model)
    pixels, boxes = keras.Input(model.input_shape[1:]), keras.Input((4,))
    return keras.Model([pixels, boxes], inner(Cut(inner.input_shape[1:3])(pixels, boxes)))


def placed(values: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Put a map of what a network saw back where it belongs: `size` float32, zero outside the box.

    `values` is `(rows, columns)`, a map of the box; `box` is top, left, bottom, right as shares of
    the whole picture, which has `size = (height, width)`. Values are interpolated bilinearly, or
    averaged where the box has fewer pixels than the map.
    """
    top, left, bottom, right = (float(edge) for edge in box)
    rows = _places(top, bottom, values.shape[0], size[0])
    columns = _places(left, right, values.shape[1], size[1])
    return (rows @ values.astype(np.float32) @ columns.T).astype(np.float32)


def _places(start: float, end: float, source: int, wanted: int) -> np.ndarray:
    """Return the weights `(wanted, source)` of one axis of a map that lies from `start` to `end`.

    The rule is that of `resampling.hats`, for an axis that begins before the map and ends after it.
    """
    share = ((np.arange(wanted) + 0.5) / wanted - start) / (end - start)
    scale = source / (wanted * (end - start))
    away = np.abs((share * source - 0.5)[:, None] - np.arange(source))
    weights = np.maximum(1 - away / max(scale, 1.0), 0)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return (weights * ((share >= 0) & (share <= 1))[:, None]).astype(np.float32)
