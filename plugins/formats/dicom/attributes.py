"""What a DICOM file says of its image that groups of images are made by."""

from __future__ import annotations

import io

from plugins.formats.dicom import inflating

KEYWORDS = {
    "view": "ViewPosition",
    "age": "PatientAge",
    "sex": "PatientSex",
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
}
"""By the name of the column. Nothing that tells who the patient is may be among them."""


def attributes(beginning: bytes) -> dict[str, str]:
    """Give the text of each column; those that the file leaves out are left out.

    Source: NEMA, DICOM PS3.3, C.7.2.2 (patient study), C.7.5.1 (equipment), C.8.7.1 and C.8.11.2.
    """
    import pydicom

    dataset = pydicom.dcmread(
        io.BytesIO(inflating.beginning(beginning)),
        specific_tags=list(KEYWORDS.values()),
        stop_before_pixels=True,
        force=True,
    )
    texts = {name: str(dataset.get(keyword) or "") for name, keyword in KEYWORDS.items()}
    return {name: text.strip() for name, text in texts.items() if text.strip()}
