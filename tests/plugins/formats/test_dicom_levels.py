"""What a viewer gets of a DICOM file: values before the window, and how the picture was taken."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset

from plugins.formats.dicom import FORMAT
from zoo import read_image
from zoo.base.file_attributes import acquisition_of
from zoo.base.pictures.levels import read_levels

RAMP = np.tile(np.arange(0, 4096, 64, dtype=np.uint16), (16, 1))
TAKEN = {"Modality": "DX", "ViewPosition": "PA", "BodyPartExamined": "CHEST"}


def content(kind: str = "MONOCHROME2", bits: int = 12, **elements: object) -> bytes:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.SOPClassUID = pydicom.uid.ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = "1.2.3"
    dataset.Rows, dataset.Columns = RAMP.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, kind
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits, bits - 1
    dataset.PixelRepresentation = 0
    dataset.PixelData = RAMP.tobytes()
    for name, value in elements.items():
        setattr(dataset, name, value)
    buffer = io.BytesIO()
    pydicom.dcmwrite(
        buffer, dataset, enforce_file_format=True, implicit_vr=False, little_endian=True
    )
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_through_their_window_the_levels_are_the_picture_that_is_read(kind: str) -> None:
    sent = content(kind, WindowCenter=2000, WindowWidth=1000)
    levels = read_levels(sent, 100, "x.dcm")
    assert levels is not None
    share = (levels.values - levels.low) / (levels.high - levels.low)
    seen = np.clip(255 * share, 0, 255)
    assert np.abs(seen - read_image(sent, name="x.dcm")[..., 0]).max() <= 1
    assert len(np.unique(levels.values)) == 64, "beyond the window nothing is lost"
    assert {levels.black, levels.white} == {1500.0, 2499.0}
    assert (levels.black > levels.white) == (kind == "MONOCHROME1")


def test_a_large_picture_is_made_smaller_by_means() -> None:
    levels = read_levels(content(), 32, "x.dcm")
    assert levels is not None
    assert levels.values.shape == (8, 32)
    assert levels.black == 0
    assert levels.white == 4095


def test_eight_bits_have_no_levels_beyond_what_is_shown() -> None:
    assert FORMAT.levels is not None
    assert FORMAT.levels(content(bits=8), "x.dcm") is None


def test_how_a_picture_was_taken_and_nothing_of_whom_it_shows() -> None:
    sent = content(**TAKEN, PixelSpacing=[0.2, 0.1], PatientName="Doe^Jane", PatientID="secret")
    taken = acquisition_of(sent)
    assert (taken.modality, taken.view, taken.body_part) == ("DX", "PA", "CHEST")
    assert (taken.spacing, taken.at_detector) == ((0.2, 0.1), False)
    assert "Doe" not in repr(taken)
    assert "secret" not in repr(taken)


@pytest.mark.parametrize(
    ("elements", "spacing", "at_detector"),
    [
        ({"ImagerPixelSpacing": [0.14, 0.14]}, (0.14, 0.14), True),
        ({"ImagerPixelSpacing": [0.14] * 2, "PixelSpacing": [0.14] * 2}, (0.14, 0.14), True),
        ({"ImagerPixelSpacing": [0.14] * 2, "PixelSpacing": [0.12] * 2}, (0.12, 0.12), False),
        ({"PixelSpacing": [0, 0]}, None, False),
        ({}, None, False),
    ],
)
def test_where_the_spacing_is_true(
    elements: dict[str, object], spacing: tuple[float, float] | None, at_detector: bool
) -> None:
    taken = acquisition_of(content(**elements))
    assert (taken.spacing, taken.at_detector) == (spacing, at_detector)


@pytest.mark.filterwarnings("ignore:The value length")  # pydicom's, while it is written
def test_a_text_that_is_no_code_is_left_out() -> None:
    taken = acquisition_of(content(BodyPartExamined="Chest of Jane Doe"))
    assert taken.body_part == ""


@pytest.mark.parametrize("cut", [0, 100, 140, 300])
def test_a_damaged_file_says_nothing(cut: int) -> None:
    assert acquisition_of(content(**TAKEN)[:cut]).spacing is None
