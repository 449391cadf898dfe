from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from plugins.csv_table import zoo_read_dataset
from zoo.errors import BadInput, UnknownName, ZooError
from zoo.types import Dataset

PLAIN = "path,label\nb.png,ill\na.png,well\n"
REAL = Path(__file__).parents[2] / "shared" / "data" / "nih_external" / "labels.csv"


def index(folder: Path, text: str | bytes, name: str = "set.csv", **options: str) -> Dataset:
    content = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(content)
    dataset = zoo_read_dataset(str(folder / name), options)
    assert dataset is not None
    return dataset


def test_other_locations_are_declined(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for location in ("phantom", "a.npz", "", str(tmp_path / "folder.csv")):
        assert zoo_read_dataset(location, {}) is None


def test_a_plain_table(tmp_path: Path) -> None:
    dataset = index(tmp_path, PLAIN)
    assert dataset.class_names == ("ill", "well")
    assert [(s.name, s.label, s.patient, s.split) for s in dataset.samples] == [
        ("a.png", 1, "a.png", ""),
        ("b.png", 0, "b.png", ""),
    ]
    assert "No patient is known" in dataset.notes[0]


def test_patients_and_splits(tmp_path: Path) -> None:
    text = "path,label,patient,split\na.png,0,p1,Train\nb.png,1,p1,val\nc.png,1,,TEST\n"
    dataset = index(tmp_path, text)
    assert [s.patient for s in dataset.samples] == ["p1", "p1", "c.png"]
    assert [s.split for s in dataset.samples] == ["train", "validation", "test"]
    assert "2 patients" in dataset.notes[0]
    assert "1 rows name none" in dataset.notes[0]


def test_without_a_patient_column_the_names_are_asked(tmp_path: Path) -> None:
    text = "path,label\nx/person1_virus_6.png,1\nx/person1_virus_7.png,1\nx/IM-1-1.png,0\n"
    dataset = index(tmp_path, text)
    assert dataset.patient_rule == "kermany"
    assert [s.patient for s in dataset.samples] == ["IM-1", "virus-1", "virus-1"]


def test_columns_and_root_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    Image.fromarray(np.full((20, 30), 90, np.uint8)).save(tmp_path / "films" / "a.png")
    text = "id,file,finding\n1,a.png,x\n2,b.png,y\n"
    root = str(tmp_path / "films")
    dataset = index(tmp_path, text, path="file", label="finding", root=root)
    read = pickle.loads(pickle.dumps(dataset.read))  # noqa: S301
    assert (read(dataset.samples[0], (10, 12)) == 90).all()
    assert len(dataset.digest(dataset.samples[0])) == 16
    assert dataset.header is not None
    assert dataset.header(dataset.samples[0]).width == 30
    with pytest.raises(BadInput, match="There is no file"):
        dataset.read(dataset.samples[1], None)
    with pytest.raises(UnknownName, match="Did you mean 'label'"):
        index(tmp_path, text, labels="finding")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("\ufeff" + PLAIN, "set.csv"),
        (PLAIN.replace("\n", "\r\n"), "set.csv"),
        (PLAIN.replace(",", "\t"), "set.tsv"),
        (PLAIN.replace(",", ";"), "set.csv"),
        (PLAIN + "\n,\n", "set.csv"),
        ("path, label \n" + ' b.png ,ill\n"a.png",well\n', "set.CSV"),
        (PLAIN.replace("a.png", ".\\a.png"), "set.csv"),
    ],
    ids=["byte order mark", "crlf", "tab", "semicolon", "blank lines", "spaces", "backslash"],
)
def test_the_kinds_of_table_that_programs_write(tmp_path: Path, text: str, name: str) -> None:
    dataset = index(tmp_path, text, name)
    assert [s.name for s in dataset.samples] == ["a.png", "b.png"]


def test_a_cell_may_hold_a_comma_and_a_line_break(tmp_path: Path) -> None:
    dataset = index(tmp_path, 'path,label,remark\n"a,1.png",x,"one\ntwo"\nb.png,y,\n')
    assert dataset.samples[0].name == "a,1.png"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 columns called 'path'"),
        ("file,label\na.png,1\n", "0 columns called 'path' among: file, label"),
        ("path,label,label\na.png,1,1\n", "2 columns called 'label'"),
        ("path,label\n", "has 0 rows"),
        ("path,label\na.png,1\nb.png,1\n", "at least two different labels"),
        ("path,label\na.png,1\nb.png,\n", "Line 3 .* has no label"),
        ("path,label\na.png,1\n,2\n", "Line 3 .* has no path"),
        ("path,label\na.png,1\nb.png\n", "Line 3 .* has 1 cells"),
        ("path,label\na.png,1\n\n./a.png,2\n", "Line 4 .* names 'a.png' again, after line 2"),
        ("path,label,split\na.png,1,train\nb.png,2,fold3\n", "Line 3 .* the split 'fold3'"),
        ("path,label\na\0.png,1\nb.png,2\n", "Line 2 .* control characters"),
        ('path,label\na.png,1\n"b.png,2\n', "Line 3 .* cannot be read"),
        ("path,label\na.png," + "x" * 200_000 + "\n", "Line 2 .* cannot be read"),
        (b"path,label\n\xff\xfe.png,1\n", "not UTF-8"),
    ],
)
def test_unusable_tables_are_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        index(tmp_path, text)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be opened"):
        zoo_read_dataset(str(tmp_path / "none.csv"), {})


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=80)
    | st.text(alphabet='ab,;"\n\r\t \0\\./', max_size=80).map(
        lambda t: ("path,label\n" + t).encode()
    )
)
def test_any_content_is_read_or_refused_in_words(tmp_path: Path, content: bytes) -> None:
    try:
        dataset = index(tmp_path, content)
    except ZooError:
        return
    assert len({s.name for s in dataset.samples}) == len(dataset.samples)
    for sample in dataset.samples:
        with pytest.raises(ZooError):
            dataset.read(sample, None)


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CELLS, min_size=2, max_size=5, unique=True))
def test_labels_are_read_back_as_written(tmp_path: Path, labels: list[str]) -> None:
    quoted = ['"' + label.replace('"', '""') + '"' for label in labels]
    dataset = index(
        tmp_path, "path,label\n" + "".join(f"{n}.png,{c}\n" for n, c in enumerate(quoted))
    )
    assert [dataset.class_names[s.label] for s in dataset.samples] == labels


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_file(), reason="the NIH X-rays are not on this machine")
def test_the_nih_table() -> None:
    dataset = zoo_read_dataset(str(REAL), {"path": "file", "label": "folder"})
    assert dataset is not None
    assert dataset.class_names == ("NORMAL", "PNEUMONIA")
    assert "patients are named by the table" in dataset.notes[0]
