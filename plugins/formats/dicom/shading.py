"""From stored values to shown ones, by one table that holds every value which can be stored.

Stored values have at most 16 bits, so a table of 65,536 rows says what becomes of each, and a large
picture is never held in floating point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from pydicom import Dataset

TAILS = (0.5, 99.5)
"""Percentiles that become black and white where a deep image says nothing about its contrast."""
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
    return (table >> 8 if table.itemsize == 2 else table).astype("uint8")


def grays(values: np.ndarray, dataset: Dataset, *, inverted: bool) -> np.ndarray:
    """Give the shown gray of every possible value, `(values,)` uint8."""
    import numpy as np
    from pydicom.pixels import apply_modality_lut

    measured = apply_modality_lut(_every_value(values.dtype), dataset).astype(np.float64)
    center, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    if tables := dataset.get("VOILUTSequence"):
        shown = _looked_up(measured, tables[0])
    elif center is not None and width is not None and width > 0:
        shown = _windowed(measured, center, width, str(dataset.get("VOILUTFunction") or "LINEAR"))
    else:
        low, high = _extent(values, measured, dataset)
        shown = (measured - low) / max(high - low, 1e-9)
    if not np.isfinite(shown).all():
        raise ValueError("values that are no numbers")
    gray = np.rint(255 * np.clip(shown, 0, 1)).astype(np.uint8)
    return 255 - gray if inverted else gray


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


def _looked_up(measured: np.ndarray, item: Dataset) -> np.ndarray:
    """Map values by a VOI table to 0 to 1: DICOM PS3.3, C.11.2.1.1.

    Not pydicom's `apply_voi`: it keeps indices in the type of the entries, so that those of a long
    table with 8-bit entries wrap round.
    """
    import numpy as np

    length, first, depth = (int(number) for number in item.LUTDescriptor)
    data = item.LUTData
    words = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.asarray(data)
    table = words[: length or 2**16].astype(np.float64)
    if first >= 2**15 and measured.min() < 0:
        first -= 2**16  # negative, but written without a sign
    index = np.clip(np.floor(measured - first), 0, len(table) - 1).astype(np.intp)
    return table[index] / (2**depth - 1)


def _extent(values: np.ndarray, measured: np.ndarray, dataset: Dataset) -> tuple[float, float]:
    """Give what becomes black and white in an image that has neither window nor VOI table.

    8 bits are display values already. Deeper ones seldom fill the bits that hold them, and would
    look black; so viewers take the image's own range, here without the outermost values, which
    belong to lead letters and to dead points.
    """
    import numpy as np

    if dataset.BitsStored <= 8 and not dataset.get("PixelRepresentation"):
        whole = measured[: 2**dataset.BitsStored]
        return float(whole.min()), float(whole.max())
    step = max(1, round((values.size / 1e6) ** 0.5))
    some = values[::step, ::step].ravel()
    inside = some[some != dataset.get("PixelPaddingValue")]
    low, high = np.percentile(measured[inside if inside.size else some], TAILS)
    return float(low), float(high)
