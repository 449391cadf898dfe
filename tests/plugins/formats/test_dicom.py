"""DICOM files are shown as a viewer shows them, within limits, and never name the patient."""

from __future__ import annotations

import contextlib
import io
import logging
import struct
import tracemalloc
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from plugins.formats.dicom import inflating, parsing, streams
from zoo import BadInput
from zoo.base.pictures import images
from zoo.base.registry import Registry, load_registry
from zoo.cli import main
from zoo.data import queries
from zoo.runs.run_folder import Run
from zoo.workflows import train

DATA = Path(__file__).parents[4] / "shared" / "data" / "dicom"
LITTLE, RLE = pydicom.uid.ExplicitVRLittleEndian, pydicom.uid.RLELossless
RAMP = np.linspace(0, 255, 24, dtype=np.uint8)[None, :].repeat(16, axis=0)
DEEP = (np.arange(16 * 24, dtype=np.uint16).reshape(16, 24) * 10).astype(np.uint16)
COLOURS = np.dstack([RAMP, RAMP[:, ::-1], RAMP // 2])
SMOOTH = np.linspace(60, 180, 24).astype(np.uint8)[None, :].repeat(16, axis=0)


def written(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    pydicom.dcmwrite(
        buffer, dataset, enforce_file_format=True, implicit_vr=False, little_endian=True
    )
    return buffer.getvalue()


def picture_of(values: np.ndarray, bits: int = 8, kind: str = "", **elements: Any) -> Dataset:
    """Build a radiograph of somebody; `elements` are set last, by keyword."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = LITTLE
    dataset.SOPClassUID = pydicom.uid.ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = "1.2.3"
    dataset.PatientName = "Doe^Jane"
    dataset.PatientID = "SECRET-4711"
    dataset.set_pixel_data(values, kind or ("MONOCHROME2" if values.ndim == 2 else "RGB"), bits)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def packed(values: np.ndarray, bits: int, syntax: str, frame: bytes, kind: str = "") -> bytes:
    dataset = picture_of(values, bits)
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    dataset.PhotometricInterpretation = kind or dataset.PhotometricInterpretation
    return written(dataset)


def table(values: list[int], first: int, bits: int) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(values), first, bits])
    item.add_new("LUTData", "US", values)
    return [item]


def gray(content: bytes) -> np.ndarray:
    pixels = images.read_image(content)
    assert pixels.dtype == np.uint8
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def test_eight_bits_are_shown_as_they_are() -> None:
    np.testing.assert_array_equal(gray(written(picture_of(RAMP))), RAMP)
    np.testing.assert_array_equal(gray(written(picture_of(RAMP // 4))), RAMP // 4)


def test_monochrome1_is_inverted() -> None:
    np.testing.assert_array_equal(gray(written(picture_of(RAMP, kind="MONOCHROME1"))), 255 - RAMP)
    window = {"WindowCenter": 1000, "WindowWidth": 1001}
    one, two = (
        gray(written(picture_of(DEEP, 12, kind, **window))).astype(int)
        for kind in ("MONOCHROME1", "MONOCHROME2")
    )
    np.testing.assert_array_equal(one, 255 - two)


def test_the_first_window_is_used() -> None:
    window = {"WindowCenter": [1000, 5], "WindowWidth": [1001, 9]}
    shown = gray(written(picture_of(DEEP, 12, **window)))
    expected = np.clip((DEEP - 999.5) / 1000 + 0.5, 0, 1) * 255
    np.testing.assert_allclose(shown, expected, atol=0.51)
    assert shown[DEEP <= 499].max() == 0
    assert shown[DEEP > 1500].min() == 255


@pytest.mark.parametrize(
    ("function", "at_center", "quarter"), [("LINEAR_EXACT", 0.5, 0.75), ("SIGMOID", 0.5, 0.731)]
)
def test_the_function_of_the_window(function: str, at_center: float, quarter: float) -> None:
    window = {"WindowCenter": 1000, "WindowWidth": 1000, "VOILUTFunction": function}
    shown = gray(written(picture_of(DEEP, 12, **window)))
    assert int(shown[DEEP == 1000].item()) == pytest.approx(255 * at_center, abs=1)
    assert int(shown[DEEP == 1250].item()) == pytest.approx(255 * quarter, abs=1)


def test_signed_values_are_rescaled_before_the_window() -> None:
    values = (DEEP.astype(np.int16) - 1000).astype(np.int16)
    scale = {"RescaleSlope": 2, "RescaleIntercept": -24}
    window = {"WindowCenter": 40, "WindowWidth": 400}
    shown = gray(written(picture_of(values, 16, **scale, **window)))
    measured = 2.0 * values - 24
    np.testing.assert_allclose(shown, np.clip((measured - 39.5) / 399 + 0.5, 0, 1) * 255, atol=0.51)


def test_signed_values_in_fewer_bits_than_hold_them() -> None:
    """The unused bits may hold anything: an overlay, in old files."""
    values = (DEEP.astype(np.int16) // 4 - 400).astype(np.int16)
    window = {"WindowCenter": 0, "WindowWidth": 800}
    clean = picture_of(values, 12, **window)
    dirty = picture_of(values, 12, **window)
    dirty.PixelData = ((values.view(np.uint16) & 0x0FFF) | 0x5000).tobytes()
    np.testing.assert_array_equal(gray(written(clean)), gray(written(dirty)))


def test_a_voi_table_goes_before_a_window() -> None:
    values = [0] * 100 + [128] * 100 + [255] * 100
    window = {"WindowCenter": 5, "WindowWidth": 2}
    shown = gray(written(picture_of(DEEP, 12, VOILUTSequence=table(values, 1000, 8), **window)))
    assert set(np.unique(shown)) == {0, 128, 255}
    assert shown[DEEP == 1090] == 0
    assert shown[DEEP == 1100] == 128
    assert shown[DEEP == 1200] == 255
    assert shown[DEEP > 2000].min() == 255


def test_a_modality_table() -> None:
    inverse = list(range(255, -1, -1))
    dataset = picture_of(RAMP, ModalityLUTSequence=table(inverse, 0, 8))
    dataset.ModalityLUTSequence[0].ModalityLUTType = "OD"
    np.testing.assert_array_equal(gray(written(dataset)), 255 - RAMP)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_without_a_window_the_stored_bits_are_the_range(bits: int) -> None:
    values = np.linspace(0, 2**bits - 1, 24).astype(np.uint16)[None, :].repeat(16, axis=0)
    shown = gray(written(picture_of(values, bits)))
    np.testing.assert_allclose(shown.astype(int), RAMP, atol=1)
    dark = gray(written(picture_of(values // 8, bits)))
    np.testing.assert_allclose(dark.astype(int), RAMP / 8, atol=1)


def test_sixteen_bits_without_a_window_have_the_depth_of_their_set() -> None:
    values = np.linspace(0, 4095, 24).astype(np.uint16)[None, :].repeat(16, axis=0)
    for kind, expected in (("MONOCHROME2", RAMP), ("MONOCHROME1", 255 - RAMP)):
        content = written(picture_of(values, 16, kind))
        shown = images.read_image(content, bits=12)[..., 0]
        np.testing.assert_allclose(shown.astype(int), expected, atol=1)
        with pytest.raises(BadInput, match="expected 8 bits"):
            images.read_image(content, bits=8)


def test_padding_without_a_window_is_black() -> None:
    values = DEEP.astype(np.int16)
    padded = values.copy()
    padded[:, :5] = np.linspace(-2000, -1000, 5).astype(np.int16)
    ends = {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1000}
    shown = images.read_image(written(picture_of(padded, 16, **ends)), bits=12)[..., 0]
    expected = images.read_image(written(picture_of(values, 16)), bits=12)[..., 0]
    np.testing.assert_array_equal(shown[:, 5:], expected[:, 5:])
    assert not shown[:, :5].any()
    with pytest.raises(BadInput, match="negative values and neither a window"):
        gray(written(picture_of(padded, 16, PixelPaddingValue=-2000)))


@pytest.mark.parametrize(
    ("shape", "kind", "inverted"),
    [
        ("IDENTITY", "MONOCHROME2", False),
        ("INVERSE", "MONOCHROME2", True),
        ("INVERSE", "MONOCHROME1", True),
        ("", "MONOCHROME2", False),
    ],
)
def test_the_shape_of_the_presentation(shape: str, kind: str, inverted: bool) -> None:
    for values, bits in ((RAMP, 8), (RAMP.astype(np.uint16) * 257, 16)):
        content = written(picture_of(values, bits, kind, PresentationLUTShape=shape))
        np.testing.assert_array_equal(gray(content), 255 - RAMP if inverted else RAMP)


@pytest.mark.parametrize(("declared", "used"), [(16, 12), (12, 16), (12, 12), (16, 8), (8, 8)])
@pytest.mark.parametrize("voi", [False, True])
@pytest.mark.parametrize("implicit", [False, True])
def test_tables_of_any_depth(declared: int, used: int, voi: bool, implicit: bool) -> None:
    values = np.linspace(0, 2**used - 1, 256).round().astype(int).tolist()
    if declared == 16 and used == 8:
        values = list(range(256))
    dataset = picture_of(RAMP)
    sequence = table(values, 0, declared)
    setattr(dataset, "VOILUTSequence" if voi else "ModalityLUTSequence", sequence)
    if implicit:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
        content = buffer.getvalue()
    else:
        content = written(dataset)
    np.testing.assert_allclose(gray(content).astype(int), RAMP, atol=1)


def test_entries_of_eight_bits_that_share_a_word() -> None:
    dataset = picture_of(RAMP)
    item = table([0] * 256, 0, 8)[0]
    item["LUTData"].VR = "OW"
    item.LUTData = bytes(range(255, -1, -1))
    dataset.VOILUTSequence = [item]
    np.testing.assert_array_equal(gray(written(dataset)), 255 - RAMP)


def test_a_rescale_alone_and_one_that_falls() -> None:
    falling = picture_of(RAMP, RescaleSlope=-1, RescaleIntercept=0)
    np.testing.assert_array_equal(gray(written(falling)), 255 - RAMP)
    window = {"WindowCenter": 255, "WindowWidth": 511}
    alone = gray(written(picture_of(RAMP, RescaleSlope=2, **window)))
    np.testing.assert_allclose(alone.astype(int), RAMP, atol=1)


def test_values_in_the_upper_bits() -> None:
    values = np.linspace(0, 4095, 24).astype(np.uint16)[None, :].repeat(16, axis=0)
    plain = picture_of(values, 12)
    raised = picture_of(values, 12, HighBit=15)
    raised.PixelData = (values << 4).tobytes()
    np.testing.assert_array_equal(gray(written(raised)), gray(written(plain)))


def test_values_that_lie_lower_than_the_file_says() -> None:
    dataset = picture_of(DEEP, 12)
    dataset.HighBit = 15
    np.testing.assert_array_equal(gray(written(dataset)), gray(written(picture_of(DEEP, 12))))


@pytest.mark.parametrize("groups", parsing.GROUPS)
def test_an_enhanced_object_keeps_rescale_and_window_of_its_frame(groups: str) -> None:
    rescale, window = {"RescaleSlope": 2, "RescaleIntercept": -100}, {"WindowWidth": 2001}
    plain = picture_of(DEEP, 12, WindowCenter=1000, **rescale, **window)
    enhanced, group = picture_of(DEEP, 12, NumberOfFrames=1), Dataset()
    for holder, elements in zip(parsing.OF_A_FRAME, (rescale, window), strict=True):
        item = Dataset()
        for keyword, value in elements.items():
            setattr(item, keyword, value)
        setattr(group, holder, [item])
    group.FrameVOILUTSequence[0].WindowCenter = 1000
    setattr(enhanced, groups, [group])
    np.testing.assert_array_equal(gray(written(enhanced)), gray(written(plain)))


@pytest.mark.parametrize("keyword", ["PixelRepresentation", "SamplesPerPixel", "HighBit"])
def test_what_a_file_may_leave_out(keyword: str) -> None:
    dataset = picture_of(DEEP, 12)
    del dataset[keyword]
    np.testing.assert_array_equal(gray(written(dataset)), gray(written(picture_of(DEEP, 12))))
    colours = picture_of(COLOURS)
    del colours.PlanarConfiguration
    np.testing.assert_array_equal(images.read_image(written(colours)), COLOURS)


@pytest.mark.parametrize("keyword", parsing.NEEDED)
def test_what_a_file_must_say_is_named(keyword: str) -> None:
    dataset = picture_of(DEEP, 12)
    del dataset[keyword]
    with pytest.raises(BadInput, match=f"it lacks {keyword}"):
        gray(written(dataset))


@pytest.mark.parametrize("kind", ["monochrome1 ", " MONOCHROME1"])
def test_the_kind_of_pixels_in_other_letters(kind: str) -> None:
    dataset = picture_of(RAMP)
    dataset.add_new("PhotometricInterpretation", "LO", kind)
    np.testing.assert_array_equal(gray(written(dataset)), 255 - RAMP)


def test_colours() -> None:
    np.testing.assert_array_equal(images.read_image(written(picture_of(COLOURS))), COLOURS)
    ycc = np.asarray(Image.fromarray(COLOURS).convert("YCbCr"))
    pixels = images.read_image(written(picture_of(ycc, kind="YBR_FULL")))
    np.testing.assert_allclose(pixels.astype(int), COLOURS, atol=3)
    deep = (COLOURS.astype(np.uint16) << 8) | 7
    np.testing.assert_array_equal(images.read_image(written(picture_of(deep, 16))), COLOURS)


def test_a_palette() -> None:
    dataset = picture_of(RAMP, PhotometricInterpretation="PALETTE COLOR")
    for colour, values in zip(("Red", "Green", "Blue"), (1, 2, 3), strict=True):
        name = f"{colour}PaletteColorLookupTable"
        dataset.add_new(f"{name}Descriptor", "US", [256, 0, 16])
        words = (np.arange(256, dtype="<u2") // values) << 8
        dataset.add_new(f"{name}Data", "OW", words.astype("<u2").tobytes())
    pixels = images.read_image(written(dataset))
    np.testing.assert_array_equal(pixels, np.dstack([RAMP, RAMP // 2, RAMP // 3]))


# Packed pixels.


@pytest.mark.parametrize("values", [RAMP, DEEP, COLOURS], ids=["8", "16", "colour"])
def test_rle(values: np.ndarray) -> None:
    dataset = picture_of(values, 8 * values.itemsize)
    expected = images.read_image(written(dataset))
    dataset.compress(RLE, encoding_plugin="pydicom")
    np.testing.assert_array_equal(images.read_image(written(dataset)), expected)


def pillow_jpeg(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def test_jpeg_baseline() -> None:
    content = packed(SMOOTH, 8, "1.2.840.10008.1.2.4.50", pillow_jpeg(SMOOTH))
    np.testing.assert_allclose(gray(content).astype(int), SMOOTH, atol=3)
    colours = np.dstack([SMOOTH, 255 - SMOOTH, SMOOTH // 2])
    for kind in ("YBR_FULL_422", "RGB"):  # the stream says what it is, whatever the file says
        content = packed(colours, 8, "1.2.840.10008.1.2.4.50", pillow_jpeg(colours), kind)
        np.testing.assert_allclose(images.read_image(content).astype(int), colours, atol=6)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("end", ["57", "70", "80", "90", "91"])
def test_lossless_streams(bits: int, end: str) -> None:
    kind = np.uint8 if bits == 8 else np.uint16
    values = (np.random.default_rng(0).integers(0, 2**bits, (16, 24))).astype(kind)
    if end in ("57", "70"):
        frame = imagecodecs.jpeg8_encode(values, lossless=True, bitspersample=bits)
    elif end == "80":
        frame = imagecodecs.jpegls_encode(values)
    else:
        frame = imagecodecs.jpeg2k_encode(
            values, codecformat="J2K", reversible=True, bitspersample=bits
        )
    content = packed(values, bits, f"1.2.840.10008.1.2.4.{end}", bytes(frame))
    np.testing.assert_array_equal(gray(content), gray(written(picture_of(values, bits))))


def test_a_twelve_bit_jpeg() -> None:
    values = (np.linspace(0, 4095, 24).astype(np.uint16))[None, :].repeat(16, axis=0)
    frame = imagecodecs.jpeg8_encode(values, level=98, bitspersample=12)
    shown = gray(packed(values, 12, "1.2.840.10008.1.2.4.51", bytes(frame)))
    expected = gray(written(picture_of(values, 12)))
    np.testing.assert_allclose(shown.astype(int), expected, atol=2)


def test_colours_in_jpeg_2000() -> None:
    frame = imagecodecs.jpeg2k_encode(COLOURS, codecformat="J2K", reversible=True, mct=True)
    content = packed(COLOURS, 8, "1.2.840.10008.1.2.4.90", bytes(frame), "YBR_RCT")
    np.testing.assert_array_equal(images.read_image(content), COLOURS)


def test_the_header_is_read_without_decoding(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    for values, bits, mode in ((RAMP, 8, "L"), (DEEP, 12, "I;16"), (COLOURS, 8, "RGB")):
        path.write_bytes(written(picture_of(values, bits)))
        found = images.read_header(path)
        assert (found.width, found.height, found.mode) == (24, 16, mode)
        assert found.bytes == path.stat().st_size
    path.write_bytes(packed(RAMP, 8, "1.2.840.10008.1.2.4.50", b"no JPEG at all"))
    assert images.read_header(path).mode == "L"


STORED = np.linspace(0, 4095, 24).astype(np.uint16)[None, :].repeat(16, axis=0)


def stream(values: np.ndarray, bits: int, kind: str) -> bytes:
    if kind == "57":
        return bytes(imagecodecs.jpeg8_encode(values, lossless=True, bitspersample=bits))
    if kind == "80":
        return bytes(imagecodecs.jpegls_encode(values))
    if kind == "201":
        return bytes(imagecodecs.htj2k_encode(values))
    if kind == "110":
        return bytes(imagecodecs.jpegxl_encode(values, lossless=True))
    return bytes(
        imagecodecs.jpeg2k_encode(values, codecformat="J2K", reversible=True, bitspersample=bits)
    )


@pytest.mark.parametrize("kind", ["57", "90"])
@pytest.mark.parametrize(("deep", "stored"), [(14, 12), (12, 16), (12, 14), (16, 12), (8, 12)])
def test_a_stream_of_another_depth_than_the_file_declares(
    kind: str, deep: int, stored: int
) -> None:
    values = np.linspace(0, 2**deep - 1, 24)[None, :].repeat(16, axis=0)
    values = values.astype(np.uint8 if deep == 8 else np.uint16)
    frame = stream(values, deep, kind)
    content = packed(STORED // 16, stored, f"1.2.840.10008.1.2.4.{kind}", frame)
    np.testing.assert_allclose(gray(content).astype(int), RAMP, atol=1)


@pytest.mark.parametrize("kind", ["57", "80", "90", "201", "110"])
@pytest.mark.parametrize("named", ["57", "80", "203"])
def test_how_a_stream_is_packed_is_what_it_says_itself(kind: str, named: str) -> None:
    content = packed(STORED, 12, f"1.2.840.10008.1.2.4.{named}", stream(STORED, 12, kind))
    np.testing.assert_array_equal(gray(content), gray(written(picture_of(STORED, 12))))


def test_a_jpeg_xl_stream_by_its_name() -> None:
    content = packed(STORED, 12, "1.2.840.10008.1.2.4.201", stream(STORED, 12, "110"))
    content = content.replace(b"1.2.4.201", b"1.2.4.110")
    np.testing.assert_array_equal(gray(content), gray(written(picture_of(STORED, 12))))


def test_a_signed_stream() -> None:
    values = STORED.astype(np.int16) - 2048
    frame = imagecodecs.jpeg2k_encode(values, codecformat="J2K", reversible=True, bitspersample=12)
    window = {"WindowCenter": 0, "WindowWidth": 4096}
    plain = gray(written(picture_of(values, 12, **window)))
    dataset = picture_of(values, 12, **window)
    dataset.PixelData = encapsulate([bytes(frame)])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID("1.2.840.10008.1.2.4.90")
    np.testing.assert_array_equal(gray(written(dataset)), plain)


@pytest.mark.parametrize("kind", ["50", "90"])
def test_pydicom_with_pillow_gives_the_same_values(kind: str) -> None:
    values = SMOOTH if kind == "50" else STORED
    bits = 8 if kind == "50" else 12
    frame = pillow_jpeg(SMOOTH) if kind == "50" else stream(STORED, 12, "90")
    content = packed(values, bits, f"1.2.840.10008.1.2.4.{kind}", frame)
    dataset = pydicom.dcmread(io.BytesIO(content))
    other = pydicom.pixels.pixel_array(dataset, decoding_plugin="pillow")
    np.testing.assert_array_equal(gray(content), gray(written(picture_of(other, bits))))


def varied(bits: int) -> np.ndarray:
    """Draw a slope with noise, as a radiograph is; it is not the same from left and right."""
    noise = np.random.default_rng(0).integers(0, 2**bits // 16, (16, 24))
    slope = np.linspace(0, 0.9 * (2**bits - 1), 24)[None, :]
    return (slope + noise).astype(np.uint8 if bits == 8 else np.uint16)


ENCODERS: dict[str, Callable[[np.ndarray, int], bytes]] = {
    "50": lambda values, bits: imagecodecs.jpeg8_encode(values, level=95),
    "51": lambda values, bits: imagecodecs.jpeg8_encode(values, level=95),
    "57": lambda values, bits: stream(values, bits, "57"),
    "70": lambda values, bits: stream(values, bits, "57"),
    "80": lambda values, bits: stream(values, bits, "80"),
    "81": lambda values, bits: imagecodecs.jpegls_encode(values, level=2),
    "90": lambda values, bits: stream(values, bits, "90"),
    "91": lambda values, bits: imagecodecs.jpeg2k_encode(
        values, codecformat="J2K", level=60, bitspersample=bits
    ),
}
"""By the end of the transfer syntax; those of 51, 81 and 91 lose something."""


@pytest.mark.parametrize(
    ("end", "bits"),
    [
        *(("50", 8), ("51", 8), ("80", 12), ("81", 16)),  # JPEG-LS starts a process
        *((end, bits) for end in ("57", "70", "90", "91") for bits in (8, 12, 16)),
    ],
)
def test_gdcm_gives_the_same_values(end: str, bits: int) -> None:
    pytest.importorskip("gdcm")
    values = varied(bits)
    frame = bytes(ENCODERS[end](values, bits))
    content = packed(values, bits, f"1.2.840.10008.1.2.4.{end}", frame)
    dataset = pydicom.dcmread(io.BytesIO(content))
    other = pydicom.pixels.pixel_array(dataset, decoding_plugin="gdcm")
    assert bool((other == values).all()) == (end not in ("50", "51", "81", "91"))
    np.testing.assert_array_equal(gray(content), gray(written(picture_of(other, bits))))


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("end", ["201", "202", "203"])
def test_openjph_gives_the_same_values(end: str, bits: int) -> None:
    """Not the library that reads the files, which is OpenJPEG."""
    values = varied(bits)
    lossy = {} if end != "203" else {"reversible": False, "level": 0.001}
    frame = bytes(imagecodecs.htj2k_encode(values, **lossy))
    other = imagecodecs.htj2k_decode(frame)
    content = packed(values, bits, f"1.2.840.10008.1.2.4.{end}", frame)
    shown = gray(written(picture_of(other, bits))).astype(int)
    np.testing.assert_allclose(gray(content), shown, atol=int(end == "203"))


@pytest.mark.parametrize("bits", [8, 16])
def test_pydicom_unpacks_the_same_run_lengths(bits: int) -> None:
    values = varied(bits)
    dataset = picture_of(values, bits)
    dataset.compress(RLE, encoding_plugin="pydicom")
    content = written(dataset)
    other = pydicom.pixels.pixel_array(
        pydicom.dcmread(io.BytesIO(content)), decoding_plugin="pydicom"
    )
    np.testing.assert_array_equal(gray(content), gray(written(picture_of(other, bits))))


# Files without their beginning.


def headless(dataset: Dataset, *, implicit: bool, little: bool = True, meta: bool = False) -> bytes:
    buffer = io.BytesIO()
    plain = pydicom.Dataset(dataset)
    if meta:
        return written(dataset)[132:]
    plain.file_meta = FileMetaDataset()
    pydicom.dcmwrite(buffer, plain, implicit_vr=implicit, little_endian=little)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "how",
    [
        {"implicit": True},
        {"implicit": False},
        {"implicit": False, "little": False},
        {"implicit": False, "meta": True},
    ],
    ids=str,
)
def test_a_file_without_a_preamble(how: dict[str, bool], tmp_path: Path) -> None:
    path = tmp_path / "IM0001"
    path.write_bytes(headless(picture_of(RAMP, 8), **how))
    np.testing.assert_array_equal(images.read_image(path)[..., 0], RAMP)
    assert images.read_header(path).mode == "L"


@pytest.mark.parametrize("kind", ["57", "80", "90"])
def test_a_packed_file_without_a_transfer_syntax(kind: str) -> None:
    dataset = picture_of(STORED, 12)
    dataset.PixelData = encapsulate([stream(STORED, 12, kind)])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    content = headless(dataset, implicit=False)
    np.testing.assert_allclose(gray(content).astype(int), RAMP, atol=1)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x08\0", b"\x08\0\x05\0CS\x0a\0", b"Dear doctor, " * 20, bytes(600), b"\x08\0" * 200],
    ids=repr,
)
def test_what_begins_otherwise_is_no_dicom(content: bytes) -> None:
    with pytest.raises(BadInput, match="not an image"):
        images.read_image(content)


# What is refused.


def without(keyword: str, **elements: Any) -> Dataset:
    dataset = picture_of(RAMP, **elements)
    del dataset[keyword]
    return dataset


def of_syntax(uid: str) -> bytes:
    return packed(RAMP, 8, uid, b"\0" * 16)


WHOLE = written(picture_of(RAMP))
REFUSED = {
    "frames": (written(picture_of(RAMP, NumberOfFrames=3)), "3 frames. Expected a single"),
    "report": (
        written(without("PixelData", SOPClassUID=pydicom.uid.BasicTextSRStorage)),
        r"without a picture \(Basic Text SR Storage\)",
    ),
    "no class": (written(without("PixelData")), "without a picture"),
    "encrypted": (
        written(without("PixelData", EncryptedAttributesSequence=[Dataset()])),
        "are encrypted",
    ),
    "cut in the pixels": (WHOLE[:-50], "cut short"),
    "cut in the header": (WHOLE[:300], "cut short"),
    "only the letters": (b"\0" * 128 + b"DICM", "cut short"),
    "video": (of_syntax("1.2.840.10008.1.2.4.100"), r"not read \(MPEG2"),
    "unknown syntax": (of_syntax("1.2.3.4"), "packed in a way that is not read"),
    "no JPEG": (of_syntax("1.2.840.10008.1.2.4.50"), "damaged"),
    "no JPEG 2000": (of_syntax("1.2.840.10008.1.2.4.90"), "damaged"),
    "no JPEG-LS": (of_syntax("1.2.840.10008.1.2.4.80"), "damaged"),
    "no RLE": (of_syntax("1.2.840.10008.1.2.5"), "damaged"),
    "32 bits": (written(picture_of(RAMP, BitsAllocated=32, BitsStored=32)), "8 to 16 bits"),
    "kind": (written(picture_of(RAMP, PhotometricInterpretation="DOE JANE")), "kind that is not"),
    "window": (written(picture_of(RAMP, WindowCenter="1e999", WindowWidth="2")), "damaged"),
    "one pixel": (written(picture_of(RAMP[:1, :1])), "1 x 1 pixels; expected at least 8"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_gets_one_sentence_without_the_patient(
    case: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    content, words = REFUSED[case]
    with caplog.at_level(logging.DEBUG), pytest.raises(BadInput, match=words) as caught:
        images.read_image(content, name="film.dcm")
    assert "film.dcm" in str(caught.value)
    assert caught.value.__cause__ is None
    said = str(caught.value) + caplog.text + "".join(capfd.readouterr())
    assert not [word for word in ("Doe", "Jane", "DOE", "SECRET", "4711") if word in said]


def deflated(dataset: Dataset) -> bytes:
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    return written(dataset)


def test_a_deflated_file_is_shown_as_the_plain_one() -> None:
    window = {"WindowCenter": 2000, "WindowWidth": 3000}
    for values, bits, more in ((RAMP, 8, {}), (DEEP, 12, window), (COLOURS, 8, {})):
        plain, whole = (how(picture_of(values, bits, **more)) for how in (written, deflated))
        assert inflating.DEFLATED in whole
        wanted = images.read_image(plain, name="film.dcm")
        np.testing.assert_array_equal(images.read_image(whole, name="film.dcm"), wanted)
        assert len(np.unique(wanted)) > 10


def test_a_deflated_file_is_inflated_no_further_than_its_picture() -> None:
    black = np.zeros((2000, 2000), np.uint8)
    before = picture_of(black)
    before.add_new(0x00091010, "OB", bytes(50_000_000))
    assert peak_of_refusal(deflated(before), "deflated as a whole|damaged") < 6_000_000
    behind = deflated(picture_of(black, DataSetTrailingPadding=bytes(50_000_000)))
    assert peak_of_refusal(behind, "deflated as a whole") < 16_000_000
    large = deflated(picture_of(black, Rows=60_000, Columns=60_000))
    assert peak_of_refusal(large, "deflated as a whole") < 6_000_000


@pytest.mark.parametrize("twice", ["inside", "behind", "without a length"])
def test_what_would_be_inflated_a_second_time_is_refused(twice: str) -> None:
    """An element of the first group that comes out of the inflated part would count again."""
    content = deflated(picture_of(np.zeros((2000, 2000), np.uint8)))
    at = content.index(inflating.GROUP_LENGTH) + len(inflating.GROUP_LENGTH)
    end = at + 4 + struct.unpack_from("<I", content, at)[0]
    again = b"\x02\0\x10\0UI\x16\0" + inflating.DEFLATED
    if twice == "inside":
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        content = content[:end] + packer.compress(again + content[end:]) + packer.flush()
    elif twice == "behind":
        content = content[:end] + again + content[end:]
    else:
        content = content[: at - 8] + content[at + 4 :]
    assert peak_of_refusal(content, "deflated as a whole") < 2_000_000


def peak_of_refusal(content: bytes, words: str) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmread(io.BytesIO(WHOLE))  # what is imported once is not counted
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match=words):
            images.read_image(content, name="bomb.dcm")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_enormous_picture_is_refused_before_it_is_unpacked() -> None:
    declared = picture_of(RAMP, Rows=60_000, Columns=60_000)
    assert peak_of_refusal(written(declared), "million") < 5_000_000


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("shape", [(16, 24), (64, 64), (8, 9), (100, 400), (300, 17), (240, 320)])
def test_the_size_of_a_jpeg_xl_stream_is_known_before_it_is_unpacked(
    shape: tuple[int, int], container: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.zeros(shape, np.uint8)
    frame = bytes(imagecodecs.jpegxl_encode(values, lossless=True, usecontainer=container))
    assert streams.packing_of(frame) == streams.JPEG_XL
    assert streams.declared(frame, streams.JPEG_XL)[:2] == shape
    content = packed(values, 8, "1.2.840.10008.1.2.4.201", frame)
    assert images.read_image(content).shape == (*shape, 3)
    other = packed(RAMP.repeat(2, axis=0), 8, "1.2.840.10008.1.2.4.201", frame)
    asked: list[bytes] = []
    monkeypatch.setattr(imagecodecs, "jpegxl_decode", lambda frame, **_: asked.append(frame))
    with pytest.raises(BadInput, match="damaged"):
        images.read_image(other)
    assert asked == []


def test_a_code_stream_in_another_box_of_a_jpeg_2000_file_is_not_taken_for_the_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = bytes(imagecodecs.jpeg2k_encode(COLOURS[..., 0], codecformat="JP2", reversible=True))
    content = packed(RAMP, 8, "1.2.840.10008.1.2.4.90", whole)
    np.testing.assert_array_equal(gray(content), gray(written(picture_of(RAMP))))
    large = np.zeros((600, 600), np.uint8)
    frame = bytes(imagecodecs.jpeg2k_encode(large, codecformat="JP2", reversible=True))
    start = whole[whole.index(b"\xff\x4f\xff\x51") :][:60]
    box = struct.pack(">I", 24 + len(start)) + b"uuid" + b"x" * 16 + start
    ends = 12 + int.from_bytes(frame[12:16], "big")
    content = packed(RAMP, 8, "1.2.840.10008.1.2.4.90", frame[:ends] + box + frame[ends:])
    asked: list[bytes] = []
    monkeypatch.setattr(imagecodecs, "jpeg2k_decode", asked.append)
    with pytest.raises(BadInput, match="damaged"):
        images.read_image(content)
    assert asked == []


@given(
    st.sampled_from([b"\xff\xd8", b"\xff\x4f\xff\x51", streams.JP2, b"\xff\x0a", streams.JXL, b""]),
    st.sampled_from([b"", b"\0\0\0\x20jp2c\xff\x4f\xff\x51", b"\0\0\0\0jxlc\xff\x0a"]),
    st.binary(max_size=60),
)
def test_any_bytes_declare_a_size_or_are_refused(start: bytes, box: bytes, rest: bytes) -> None:
    with contextlib.suppress(ValueError):
        packing = streams.packing_of(start + box + rest)
        assert len(streams.declared(start + box + rest, packing)) == 4


@pytest.mark.parametrize("end", ["50", "57", "80", "90"])
def test_a_stream_that_declares_another_size_than_the_file_is_not_unpacked(end: str) -> None:
    if end == "90":
        frame = bytearray(imagecodecs.jpeg2k_encode(RAMP, codecformat="J2K", reversible=True))
        frame[8:16] = struct.pack(">II", 60_000, 60_000)
    else:
        frame = bytearray(
            pillow_jpeg(RAMP)
            if end == "50"
            else imagecodecs.jpegls_encode(RAMP)
            if end == "80"
            else imagecodecs.jpeg8_encode(RAMP, lossless=True)
        )
        markers = (b"\xff\xc0", b"\xff\xf7", b"\xff\xc3")
        at = next(frame.index(marker) for marker in markers if marker in frame)
        frame[at + 5 : at + 9] = struct.pack(">HH", 60_000, 60_000)
    content = packed(RAMP, 8, f"1.2.840.10008.1.2.4.{end}", bytes(frame))
    assert peak_of_refusal(content, "damaged") < 5_000_000


def test_a_jpeg_ls_stream_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.formats.dicom.unpacking.UNPACK_JPEG_LS", "while True: pass")
    monkeypatch.setattr("plugins.formats.dicom.unpacking.PATIENCE", 0.5)
    content = packed(RAMP, 8, "1.2.840.10008.1.2.4.80", bytes(imagecodecs.jpegls_encode(RAMP)))
    with pytest.raises(BadInput, match=r"not be unpacked within 0\.5 seconds"):
        images.read_image(content)


def test_run_lengths_do_not_unpack_to_more_than_the_picture() -> None:
    """Two bytes make 128: a small file could otherwise fill the memory."""
    frame = struct.pack("<16L", 1, 64, *[0] * 14) + b"\x81\x00" * 200_000
    content = packed(RAMP, 8, RLE, frame)
    tracemalloc.start()
    try:
        with contextlib.suppress(BadInput):
            assert images.read_image(content).shape == (16, 24, 3)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def seeds() -> list[bytes]:
    ramps = {
        "50": pillow_jpeg(RAMP),
        "70": imagecodecs.jpeg8_encode(DEEP, lossless=True),
        "90": imagecodecs.jpeg2k_encode(DEEP, codecformat="J2K", reversible=True),
        "91": imagecodecs.jpeg2k_encode(DEEP, codecformat="JP2", reversible=True),
        "203": imagecodecs.jpegxl_encode(DEEP, lossless=True),
    }
    rle = picture_of(DEEP, 16)
    rle.compress(RLE, encoding_plugin="pydicom")
    return [
        WHOLE,
        written(rle),
        written(picture_of(DEEP, 12, VOILUTSequence=table([0, 9, 255], 1000, 8))),
        written(picture_of(DEEP, 12, WindowCenter=[9, 8], WindowWidth=[2, 3], RescaleSlope=2)),
        *(
            packed(
                RAMP if end == "50" else DEEP,
                8 if end == "50" else 16,
                f"1.2.840.10008.1.2.4.{end}",
                bytes(frame),
            )
            for end, frame in ramps.items()
        ),
    ]


SEEDS = seeds()


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(SEEDS), st.integers(0, 2000), st.binary(min_size=1, max_size=6), st.booleans()
)
def test_damaged_bytes_are_read_or_refused_in_words(
    seed: bytes, at: int, noise: bytes, cut: bool
) -> None:
    at = 132 + at % (len(seed) - 132)
    damaged = seed[:at] + noise + (b"" if cut else seed[at + len(noise) :])
    with contextlib.suppress(BadInput):
        assert images.read_image(damaged, (16, 16)).shape == (16, 16, 3)


@pytest.mark.parametrize("side", ["Rows", "Columns"])
def test_a_picture_without_pixels_is_refused(side: str) -> None:
    with pytest.raises(BadInput, match=r"damaged"):
        images.read_image(written(picture_of(RAMP, **{side: 0})))


# Wherever an image is read.


def xray(seed: int, bright: bool) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 2000, (64, 64)) + 1500 * bright
    return written(picture_of(noise.astype(np.uint16), 12, WindowCenter=2048, WindowWidth=4096))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label, name in enumerate(("NORMAL", "PNEUMONIA")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(12):
            path = tmp_path / "data" / name / f"{name.lower()}{number}.dcm"
            path.write_bytes(xray(100 * label + number, bool(label)))
    return tmp_path / "data"


@pytest.mark.slow
def test_a_run_is_trained_on_a_folder_of_dicom_files(
    folder: Path, tmp_path: Path, tiny_registry: Registry
) -> None:
    run = train.train(
        "tiny",
        str(folder),
        folder=tmp_path / "runs",
        registry=tiny_registry,
        changes={"epochs": 1},
    )
    written_files = [p for p in run.path.rglob("*") if p.suffix in (".json", ".html", ".md")]
    assert written_files
    assert not [p for p in written_files if b"SECRET" in p.read_bytes()]


def test_predict_takes_dicom_files_of_any_name(folder: Path, trained: Run) -> None:
    single = folder / "IM0001"  # recognised by its content
    single.write_bytes(xray(1, bright=True))
    result = CliRunner().invoke(
        main, ["predict", str(single), str(folder / "NORMAL"), "--run", str(trained.path)]
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.count(".dcm") >= 12
    assert "IM0001" in result.stdout


def test_files_without_an_ending_are_found_in_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "export"
    for number in range(4):
        path = root / "AB"[number % 2] / f"1.2.840.{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(xray(number, bright=False))
    (root / "A" / "IM0001").write_bytes(headless(picture_of(RAMP), implicit=True))
    (root / "A" / "DICOMDIR").write_bytes(xray(9, bright=False))
    (root / "A" / "LOG").write_text("exported")
    (root / "A" / "notes.12").write_text("1 2 3")
    (root / "A" / ".hidden").write_bytes(xray(9, bright=False))
    dataset = load_registry().dataset(str(root))
    names = [s.name for s in dataset.samples]
    assert names == ["A/1.2.840.0", "A/1.2.840.2", "A/IM0001", "B/1.2.840.1", "B/1.2.840.3"]
    assert [path.name for path in queries.find_images([root / "A"])] == [
        "1.2.840.0",
        "1.2.840.2",
        "IM0001",
    ]


# Real files.

real = pytest.mark.skipif(not DATA.is_dir(), reason="the real X-rays are not beside the project")


@pytest.mark.real
@real
@pytest.mark.parametrize("name", ["rsna_chest_pa_monochrome2", "chest_pa_monochrome1_jpeg2000"])
def test_real_files_show_bright_bones_and_dark_lungs(name: str) -> None:
    pixels = images.read_image(DATA / f"{name}.dcm")[..., 0]
    height, width = pixels.shape
    middle = slice(int(0.3 * height), int(0.45 * height))
    spine = pixels[middle, int(0.48 * width) : int(0.52 * width)].mean()
    lungs = [pixels[middle, int(a * width) : int((a + 0.1) * width)].mean() for a in (0.22, 0.68)]
    assert spine > max(lungs) + 20
    assert len(np.unique(pixels)) > 100


@pytest.mark.real
@real
def test_a_real_baseline_file_has_the_pixels_of_its_stream() -> None:
    path = DATA / "rsna_chest_pa_monochrome2.dcm"
    frame = pydicom.encaps.get_frame(pydicom.dcmread(path).PixelData, 0, number_of_frames=1)
    np.testing.assert_array_equal(images.read_image(path), images.read_image(frame))
