"""Look-up tables of DICOM files, read with the depth that their entries have.

Source: NEMA, DICOM PS3.3, C.11.1.1 (modality) and C.11.2.1.1 (VOI).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from pydicom import Dataset

DEPTHS = (8, 10, 12, 14, 16)


@dataclass(frozen=True, eq=False)
class Table:
    """Entries `(n,)` float64, the input of the first one, and which entry is the largest possible.

    Inputs before the first entry give the first, those behind the last give the last.
    """

    entries: np.ndarray
    first: int
    white: float

    def of(self, values: np.ndarray) -> np.ndarray:
        """Look values up."""
        import numpy as np

        index = np.clip(np.floor(values - self.first), 0, len(self.entries) - 1)
        return self.entries[index.astype(np.intp)]


def table_of(item: Dataset, *, signed: bool, little_endian: bool) -> Table:
    """Read a table; `signed` says that its inputs may be negative.

    Not by pydicom: it knows 8 and 16 bits alone, and keeps indices in the type of the entries, so
    that those of a long table with 8-bit entries wrap round.
    """
    length, first, depth = (int(number) for number in item.LUTDescriptor)
    length = length or 2**16
    if first >= 2**15 and signed:
        first -= 2**16  # negative, but written without a sign
    entries = _entries(item.LUTData, length, depth, little_endian)
    return Table(entries, first, _white(float(entries.max()), depth))


def _entries(data: object, length: int, depth: int, little_endian: bool) -> np.ndarray:
    """Return the entries; those of 8 bits may share a word with their neighbour."""
    import numpy as np

    if not isinstance(data, bytes):
        words = np.atleast_1d(np.asarray(data)).astype(np.uint16)
        data, little_endian = words.astype("<u2").tobytes(), True
    if depth <= 8 and len(data) < 2 * length:
        if not little_endian:
            data = np.frombuffer(data[: len(data) // 2 * 2], ">u2").astype("<u2").tobytes()
        return np.frombuffer(data, np.uint8)[:length].astype(np.float64)
    words = np.frombuffer(data[: len(data) // 2 * 2], "<u2" if little_endian else ">u2")
    return words[:length].astype(np.float64)


def _white(largest: float, depth: int) -> float:
    """Return the largest value of the entries' depth: the declared one, unless it is not theirs.

    Some files declare 16 bits and use 12, or declare 12 and use 16; then the bits in use decide.
    """
    declared = float(2**depth - 1)
    if declared / 4 < largest <= declared:
        return declared
    return float(next(2**bits - 1 for bits in DEPTHS if largest <= 2**bits - 1))
