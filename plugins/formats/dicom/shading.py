"""From stored values to shown ones, by one table that holds every value which can be stored.

Stored values have at most 16 bits, so a table of 65,536 rows says what becomes of each, and a large
picture is never held in floating point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.formats.dicom.tables import table_of
from zoo import BadInput, DeepPicture

if TYPE_CHECKING:
    import numpy as np
    from pydicom import Dataset

STRIP = 256
"""Rows translated at once: an index takes eight bytes a pixel."""


def translated(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Look every stored value up; negative ones count from the table's end."""
    import numpy as np

    picture = np.empty((*values.shape, *table.shape[1:]), np.uint8)
    for top in range(0, len(values), STRIP):
        picture[top : top + STRIP] = table[values[top : top + STRIP]]
    return picture


def _every_value(kind: np.dtype[Any]) -> np.ndarray:
    """Give all values of an integer type, in the order in which they index a table."""
    import numpy as np

    return np.arange(2 ** (8 * kind.itemsize)).astype(kind).astype(np.int32)


def colours(kind: np.dtype[Any], dataset: Dataset) -> np.ndarray:
    """Give the palette's colour of every possible value, `(values, 3)` uint8."""
    from pydicom.pixels import apply_color_lut

    table = apply_color_lut(_every_value(kind), dataset)[:, :3]
    deep = table.itemsize == 2 and table.max() > 255  # some files declare 16 bits and use 8
    return (table >> 8 if deep else table).astype("uint8")


def shown(values: np.ndarray, dataset: Dataset, name: str) -> np.ndarray | DeepPicture:
    """Give the shown gray of every pixel, `(height, width)` uint8.

    Where a file has neither window nor table and fills the 16 bits that hold its values, nothing
    says which value is white: they are given as they are.

    Raises:
        BadInput: such values are negative.
    """
    inverted = _is_inverted(dataset)
    slope = _first(dataset, "RescaleSlope")
    says = ("ModalityLUTSequence", "VOILUTSequence")
    if int(dataset.BitsStored) == 16 and not (any(map(dataset.get, says)) or _window(dataset)):
        return _undecided(values, dataset, name, inverted=inverted ^ ((slope or 1) < 0))
    return translated(values, _grays(values.dtype, dataset, inverted=inverted))


def _grays(kind: np.dtype[Any], dataset: Dataset, *, inverted: bool) -> np.ndarray:
    """Give the shown gray of every possible value, `(values,)` uint8."""
    import numpy as np

    little = dataset.original_encoding[1] is not False
    measured, low, high = _measured(kind, dataset)
    if tables := dataset.get("VOILUTSequence"):
        table = table_of(tables[0], signed=measured.min() < 0, little_endian=little)
        share = table.of(measured) / table.white
    elif window := _window(dataset):
        share = _windowed(measured, *window, str(dataset.get("VOILUTFunction") or "LINEAR"))
    else:
        share = (measured - low) / max(high - low, 1e-9)
    if not np.isfinite(share).all():
        raise ValueError("values that are no numbers")
    gray = np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)
    return 255 - gray if inverted else gray


def _measured(kind: np.dtype[Any], dataset: Dataset) -> tuple[np.ndarray, float, float]:
    """Give the measure of every possible value, by modality table or rescale, and its ends."""
    every, little = _every_value(kind), dataset.original_encoding[1] is not False
    if tables := dataset.get("ModalityLUTSequence"):
        table = table_of(tables[0], signed=kind.kind == "i", little_endian=little)
        return table.of(every), 0.0, table.white
    slope, intercept = _first(dataset, "RescaleSlope"), _first(dataset, "RescaleIntercept")
    slope = 1.0 if slope is None or slope == 0 else slope
    ends = sorted(end * slope + (intercept or 0.0) for end in _stored_range(kind, dataset))
    return every * slope + (intercept or 0.0), ends[0], ends[1]


def measured(values: np.ndarray, dataset: Dataset) -> DeepPicture:
    """Give the values before any window, and the window that is shown at first.

    A VOI table is no window: what it gives is taken for the values then. Of a sigmoid function
    the part is taken that is nearly straight.
    """
    import numpy as np

    little = dataset.original_encoding[1] is not False
    of_value, low, high = _measured(values.dtype, dataset)
    if tables := dataset.get("VOILUTSequence"):
        table = table_of(tables[0], signed=of_value.min() < 0, little_endian=little)
        of_value, low, high = table.of(of_value), 0.0, table.white
    elif window := _window(dataset):
        center, width = window
        exact = str(dataset.get("VOILUTFunction") or "LINEAR").upper() != "LINEAR"
        half, middle = (width / 2, center) if exact else (max(width - 1, 1e-9) / 2, center - 0.5)
        low, high = middle - half, middle + half
    elif int(dataset.BitsStored) == 16:
        low = max(low, 0.0)
    shown_values = of_value.astype(np.float32)[values]
    return DeepPicture(values=shown_values, window=(low, high), inverted=_is_inverted(dataset))


def _is_inverted(dataset: Dataset) -> bool:
    return (
        str(dataset.PhotometricInterpretation) == "MONOCHROME1"
        or str(dataset.get("PresentationLUTShape") or "").strip().upper() == "INVERSE"
    )


def _stored_range(kind: np.dtype[Any], dataset: Dataset) -> tuple[int, int]:
    """Return the least and the greatest value that the stored bits hold."""
    bits = int(dataset.BitsStored)
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind.kind == "i" else (0, 2**bits - 1)


def _undecided(values: np.ndarray, dataset: Dataset, name: str, *, inverted: bool) -> DeepPicture:
    import numpy as np

    if values.dtype.kind == "u":
        return DeepPicture(values=values, container=65_535, inverted=inverted)
    padding = _padding(dataset)
    if padding is not None:
        values = np.where((values >= padding[0]) & (values <= padding[1]), 0, values)
    if values.min() < 0:
        raise BadInput(
            f"'{name}' has negative values and neither a window nor a table that says how they are "
            "shown. Export it as a viewer shows it."
        )
    return DeepPicture(values=values.astype(np.uint16), container=32_767, inverted=inverted)


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    """Return the least and greatest value that only fill the frame up: PS3.3, C.7.5.1.1.2."""
    value = dataset.get("PixelPaddingValue")
    if value in (None, ""):
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = (int(value), int(value if limit in (None, "") else limit))
    return min(ends), max(ends)


def _window(dataset: Dataset) -> tuple[float, float] | None:
    """Return center and width of the first window, None without one that can be used."""
    center, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    return None if center is None or width is None or width <= 0 else (center, width)


def _first(dataset: Dataset, keyword: str) -> float | None:
    """Give a number, the first where a file offers several, or None."""
    from pydicom.multival import MultiValue

    given = dataset.get(keyword)
    if isinstance(given, MultiValue):
        given = given[0] if given else None
    return None if given in (None, "") else float(given)


def _windowed(measured: np.ndarray, center: float, width: float, function: str) -> np.ndarray:
    """Map a window to 0 to 1: DICOM PS3.3, C.11.2.1.2 and C.11.2.1.3."""
    import numpy as np

    if function.upper() == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (measured - center) / width, -700, 700)))
    if function.upper() == "LINEAR_EXACT":
        return (measured - center) / width + 0.5
    return (measured - (center - 0.5)) / max(width - 1, 1e-9) + 0.5
