"""How a DICOM file says that its picture was taken, and how far apart its pixels are."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from plugins.formats.dicom import inflating
from zoo import Acquisition

if TYPE_CHECKING:
    from pydicom import Dataset

CODES = {"modality": "Modality", "view": "ViewPosition", "body_part": "BodyPartExamined"}
SPACINGS = ("PixelSpacing", "ImagerPixelSpacing")
"""The first is that in the patient where it was calibrated, the second that at the detector."""


def acquisition(beginning: bytes) -> Acquisition:
    """Give codes and spacing; what the file leaves out is left out.

    A PixelSpacing that only repeats that of the detector is no calibration.

    Source: NEMA, DICOM PS3.3, C.7.3.1 (series), C.8.7.1, C.8.11.2, 10.7 (pixel spacing).
    """
    import pydicom

    dataset = pydicom.dcmread(
        io.BytesIO(inflating.beginning(beginning)),
        specific_tags=[*CODES.values(), *SPACINGS],
        stop_before_pixels=True,
        force=True,
    )
    codes = {name: str(dataset.get(keyword) or "").strip() for name, keyword in CODES.items()}
    in_patient, at_detector = (_pair(dataset, keyword) for keyword in SPACINGS)
    only_detector = at_detector is not None and in_patient in (None, at_detector)
    return Acquisition(**codes, spacing=in_patient or at_detector, at_detector=only_detector)


def _pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    given = dataset.get(keyword)
    if given is None or len(given) != 2:
        return None
    return float(given[0]), float(given[1])
