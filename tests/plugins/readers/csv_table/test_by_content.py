"""Columns that are known by what they hold, and what cells of patients and findings may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.readers.csv_table import zoo_read_dataset
from zoo import BadInput, Dataset


def index(folder: Path, text: str, **options: str) -> Dataset:
    for number in range(1, 9):
        (folder / f"{number}.png").touch()
    (folder / "set.csv").write_text(text)
    dataset = zoo_read_dataset(str(folder / "set.csv"), options)
    assert dataset is not None
    return dataset


def rows(header: str, *lines: str) -> str:
    """Write lines in each of which `#` is a number from 1 to 8 and `@` a label."""
    filled = [
        lines[n % len(lines)].replace("#", str(n + 1)).replace("@", ("ill", "well")[n % 2])
        for n in range(8)
    ]
    return "\n".join([header, *filled])


@pytest.mark.parametrize("cell", ["#.png", "#", "https://x.org/films/#.png", "C:\\films\\#.PNG"])
def test_the_column_that_names_the_images(tmp_path: Path, cell: str) -> None:
    dataset = index(tmp_path, rows("Bilddatei,age,label", f"{cell},3,@", f"{cell},4,@"))
    assert [sample.name for sample in dataset.samples] == [f"{n}.png" for n in range(1, 9)]
    assert any("'Bilddatei' for the path" in note for note in dataset.notes)


def test_endings_tell_a_name_from_a_number(tmp_path: Path) -> None:
    dataset = index(tmp_path, rows(",film,label", "#,#.png,@"))
    assert any("'film' for the path" in note for note in dataset.notes)
    with pytest.raises(BadInput, match=r"Several columns .* may be the path: 'no', 'film'"):
        index(tmp_path, rows("no,film,label", "#,#,@"))
    with pytest.raises(BadInput, match="0 columns called 'path'"):
        index(tmp_path, rows("film,label", "x#.png,@"))


def test_the_column_that_divides_the_images(tmp_path: Path) -> None:
    text = rows("path,label,Dataset_type,other", "#.png,@,TRAIN,a", "#.png,@,Test,b")
    dataset = index(tmp_path, text)
    assert [sample.split for sample in dataset.samples] == ["train", "test"] * 4
    assert any("'Dataset_type' for the split" in note for note in dataset.notes)
    assert not any(sample.split for sample in index(tmp_path, text, split="none").samples)
    text = rows("path,label,one,other", "#.png,@,train,test", "#.png,@,test,train")
    with pytest.raises(BadInput, match=r"may be the split: 'one', 'other'\. Say which"):
        index(tmp_path, text)
    same = rows("path,label,one,other", "#.png,@,train,training", "#.png,@,val,valid")
    assert index(tmp_path, same).samples[1].split == "validation"


def test_a_root_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected a folder that is there"):
        index(tmp_path, rows("path,label", "#.png,@"), root=str(tmp_path / "gone"))


def test_numbers_that_lost_zeros_name_images_where_nothing_else_does(tmp_path: Path) -> None:
    for number in range(1, 9):
        (tmp_path / "films").mkdir(exist_ok=True)
        (tmp_path / "films" / f"00{number}.png").touch()
    (tmp_path / "set.csv").write_text(rows("No,age,label", "#.0,3,@"))
    dataset = zoo_read_dataset(str(tmp_path / "set.csv"), {})
    assert dataset is not None
    assert dataset.samples[0].name == "films/001.png"


def test_measures_are_no_classes(tmp_path: Path) -> None:
    lines = "".join(f"{n}.png,{n / 7}\n" for n in range(40))
    with pytest.raises(BadInput, match=r"40 different labels for 40 images, such as .*label=NAME"):
        index(tmp_path, f"path,label\n{lines}")


@pytest.mark.parametrize("column", ["subject", "Patient No", "MRN", "pid"])
def test_usual_names_of_patients(tmp_path: Path, column: str) -> None:
    dataset = index(tmp_path, rows(f"path,label,{column}", "#.png,@,A", "#.png,@,B"))
    assert {sample.patient for sample in dataset.samples} == {"A", "B"}


def test_a_column_that_may_name_patients_is_asked_about(tmp_path: Path) -> None:
    dataset = index(tmp_path, rows("path,label,Study ID", "#.png,@,A", "#.png,@,B"))
    assert len({sample.patient for sample in dataset.samples}) == 8
    assert "Does the column 'Study ID' name the patient? Then say 'patient=" in dataset.notes[0]
    for cells in (("#",), ("nan", "unknown")):
        dataset = index(tmp_path, rows("path,label,case", *(f"#.png,@,{c}" for c in cells)))
        assert "Does the column" not in dataset.notes[0]


def test_a_patient_is_one_however_it_is_written(tmp_path: Path) -> None:
    dataset = index(tmp_path, rows("path,label,patient", "#.png,@,7.0", "#.png,@,007", "#.png,@,7"))
    assert len({sample.patient for sample in dataset.samples}) == 1
    assert "2 names are other spellings of one" in dataset.notes[0]
    twice = rows(
        "path,label,patient", "1.png,ill,7", "1.png,Ill,7.0", "2.png,well,p", "3.png,well,P"
    )
    assert [sample.patient for sample in index(tmp_path, twice).samples][1:] == ["P", "P"]


def test_nobody_is_no_patient(tmp_path: Path) -> None:
    text = rows("path,label,patient", "#.png,@,Unknown", "#.png,@,nan", "#.png,@,a", "#.png,@,")
    people = [sample.patient for sample in index(tmp_path, text).samples]
    assert people == ["1.png", "2.png", "a", "4.png", "5.png", "6.png", "a", "8.png"]


@pytest.mark.parametrize("header", ["path,label,patient", "patient,label,path"])
@pytest.mark.parametrize("cell", ["1.23457E+12", '"1,23457E+12"'])
def test_a_number_that_a_spreadsheet_rounded_is_refused(
    tmp_path: Path, header: str, cell: str
) -> None:
    line = f"#.png,@,{cell}" if header.startswith("path") else f"#,@,{cell}"
    with pytest.raises(BadInput, match=r"Line 2 .*E\+12' for pat.*spreadsheet rounded.*as text"):
        index(tmp_path, rows(header, line))


def test_one_known_label_tells_a_list(tmp_path: Path) -> None:
    text = rows("path,label", '#.png,"mass, nodule"', "#.png,mass", "#.png,none")
    with pytest.raises(BadInput, match=r"several labels an image in 3 of 8 rows, such as 'mass, n"):
        index(tmp_path, text)
    decimal = rows("path;label", "#.png;1,0", "#.png;0,0")
    assert index(tmp_path, decimal).class_names == ("0,0", "1,0")


def test_errors_of_a_spreadsheet_are_no_class(tmp_path: Path) -> None:
    text = rows("path,label", "#.png,ill", "#.png,well", "#.png,#N/A")
    with pytest.raises(BadInput, match=r"Line 4 .* has no label"):
        index(tmp_path, text.replace(",3N/A", ",#N/A").replace(",6N/A", ",#N/A"))


@pytest.mark.parametrize(
    ("yes", "no", "unsure"), [("Y", "N", "possible"), ("present", "absent", "-1")]
)
def test_words_for_a_finding(tmp_path: Path, yes: str, no: str, unsure: str) -> None:
    text = rows("path,mass", f"#.png,{yes}", f"#.png,{no}", f"#.png,{unsure}")
    samples = index(tmp_path, text, finding="mass").samples
    assert [sample.label for sample in samples] == [1, 0, 1, 0, 1, 0]
    with pytest.raises(BadInput, match=r"with '\?finding=mass'"):
        index(tmp_path, text)
    two = rows("path,mass,well", f"#.png,{yes},{no}", f"#.png,{no},{yes}")
    with pytest.raises(BadInput, match=r"set\.csv\?classes=mass,well"):
        index(tmp_path, two)
