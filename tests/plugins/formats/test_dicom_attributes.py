"""DICOM files are grouped by what they say themselves, and nothing else of the patient is read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset

from plugins.formats.dicom.attributes import attributes
from zoo import Run, UnknownName
from zoo.base import file_attributes
from zoo.base.registry import Registry, load_registry
from zoo.runs import run_folder
from zoo.workflows.evaluate import evaluate

TAGS = {
    "ViewPosition": "PA",
    "PatientAge": "045Y",
    "PatientSex": "F",
    "Manufacturer": " ACME ",
    "ManufacturerModelName": "Ray 3",
}
SECRETS = {"PatientName": "Doe^Jane", "PatientID": "SECRET-4711"}
FOUND = {"view": "PA", "age": "045Y", "sex": "F", "manufacturer": "ACME", "model": "Ray 3"}


def film(seed: int = 0, *, deflated: bool = False, **tags: Any) -> bytes:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.SOPClassUID = pydicom.uid.ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = "1.2.3"
    values = np.random.default_rng(seed).integers(0, 256, (64, 64), np.uint8)
    dataset.set_pixel_data(values, "MONOCHROME2", 8)
    for keyword, value in {**SECRETS, **tags}.items():
        setattr(dataset, keyword, value)
    if deflated:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label, name in enumerate(("NORMAL", "PNEUMONIA")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(6):
            tags = {**TAGS, "ViewPosition": ("PA", "AP", "")[number % 3], "PatientAge": "006M"}
            path = tmp_path / "data" / name / f"{name}{number}.dcm"
            path.write_bytes(film(10 * label + number, **tags))
    return tmp_path / "data"


def test_the_columns_of_a_file() -> None:
    assert attributes(film(**TAGS)) == FOUND
    assert attributes(film(ViewPosition="LL", PatientSex="")) == {"view": "LL"}


def test_neither_pixels_are_needed_nor_the_end_of_a_deflated_file() -> None:
    whole = film(**TAGS)
    assert attributes(whole[: whole.index(b"\xe0\x7f\x10\0") + 20]) == FOUND
    packed = film(deflated=True, **TAGS)
    assert attributes(packed) == attributes(packed[: len(packed) // 2]) == FOUND


@pytest.mark.parametrize("cut", [0, 3, 140, 300, 400])
def test_a_damaged_file_is_of_no_known_group(cut: int, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(film(**TAGS)[:cut])
    assert file_attributes.read_attributes(tmp_path / "a.dcm").items() <= FOUND.items()


@pytest.mark.slow
def test_a_run_is_scored_by_the_view_that_the_files_say(
    folder: Path, run_copy: Path, tiny_registry: Registry
) -> None:
    run = run_folder.read(run_copy)
    done = evaluate(run, str(folder), by=("view", "age"), registry=tiny_registry)
    view, age = done.result["groups"]
    sizes = {group["name"]: group["images"] for group in view["groups"]}
    assert sizes == {"AP": 4, "PA": 4, "unknown": 4}
    assert [group["name"] for group in age["groups"]] == ["0-1"]
    told = b"".join(path.read_bytes() for path in done.folder.rglob("*") if path.is_file())
    assert not [secret for secret in SECRETS.values() if secret.encode() in told]


def test_tags_are_read_when_a_group_is_asked_for_and_not_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = pydicom.dcmread

    def counted(*arguments: Any, **named: Any) -> Dataset:
        asked.append(named)
        return real(*arguments, **named)

    monkeypatch.setattr(pydicom, "dcmread", counted)
    dataset = load_registry().dataset(str(folder))
    assert not asked
    assert [dataset.attributes["view"](sample) for sample in dataset.samples[:3]] == [
        "PA",
        "AP",
        "",
    ]
    assert len(asked) == 3
    assert all(named["stop_before_pixels"] for named in asked)


def test_a_column_of_the_table_goes_before_the_files(folder: Path) -> None:
    rows = "NORMAL/NORMAL0.dcm,a,LL\nPNEUMONIA/PNEUMONIA0.dcm,b,\n"
    (folder / "t.csv").write_text(f"path,label,view\n{rows}")
    dataset = load_registry().dataset(str(folder / "t.csv"))
    told = {column: of(dataset.samples[0]) for column, of in dataset.attributes.items()}
    assert told["view"] == "LL"
    assert told["sex"] == "F"


def test_other_images_have_no_such_columns(
    trained: Run, tiny_registry: Registry, class_folders: Path
) -> None:
    assert not load_registry().dataset(str(class_folders)).attributes
    with pytest.raises(UnknownName, match=r"Columns: none\."):
        evaluate(trained, str(class_folders), by="view", registry=tiny_registry)
