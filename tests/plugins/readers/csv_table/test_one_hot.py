"""Tables with a column a class."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.readers.csv_table import zoo_read_dataset
from zoo import BadInput, Dataset

TABLE = """file,normal,bacteria,Virus
a.png,1,0,0
b.png,0,1,0
c.png,0,,1.0
d.png,0,1,0
"""
ALL = "normal,bacteria,virus"


def index(folder: Path, text: str, **options: str) -> Dataset:
    (folder / "set.csv").write_text(text)
    dataset = zoo_read_dataset(str(folder / "set.csv"), options)
    assert dataset is not None
    return dataset


def labels(dataset: Dataset) -> dict[str, str]:
    return {sample.name[0]: dataset.class_names[sample.label] for sample in dataset.samples}


def test_the_columns_that_are_named_are_the_classes_in_their_order(tmp_path: Path) -> None:
    dataset = index(tmp_path, TABLE, classes=ALL)
    assert dataset.class_names == ("normal", "bacteria", "virus")
    assert labels(dataset) == {"a": "normal", "b": "bacteria", "c": "virus", "d": "bacteria"}


def test_they_may_be_renamed_joined_and_chosen(tmp_path: Path) -> None:
    renamed = "Virus:PNEUMONIA,bacteria:PNEUMONIA,normal:NORMAL"
    dataset = index(tmp_path, TABLE, classes=renamed)
    assert dataset.class_names == ("PNEUMONIA", "NORMAL")
    assert [sample.label for sample in dataset.samples] == [1, 0, 0, 0]
    some = index(tmp_path, TABLE, classes="normal,bacteria")
    assert labels(some) == {"a": "normal", "b": "bacteria", "d": "bacteria"}
    assert "1 images are left out: 1 no label." in some.notes


def test_a_row_with_two_classes_has_several_labels(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Line 6 .* has 1 for normal and for Virus") as told:
        index(tmp_path, TABLE + "e.png,1,0,1\n", classes=ALL)
    assert "set.csv?finding=Virus'" in str(told.value)
    assert "against=normal" in str(told.value)
    assert len(index(tmp_path, TABLE + "e.png,1,0,1\n", classes="normal,bacteria").samples) == 4


def test_rows_of_an_image_that_differ_are_several_labels(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"names 'a\.png' again, .* other labels: normal, Virus"):
        index(tmp_path, TABLE + "a.png,0,0,1\n", classes=ALL)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "one of the columns normal, bacteria, Virus is 1 in each row.*classes=normal,bact"),
        ({"classes": "normal,bacterial"}, "0 columns called 'bacterial' .* mean 'bacteria'"),
        ({"classes": "one,two"}, "one of the columns normal, bacteria, Virus is 1 in each row"),
    ],
)
def test_what_is_asked(tmp_path: Path, options: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        index(tmp_path, TABLE, **options)


def test_other_cells_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Line 6 .* has '2' for bacteria"):
        index(tmp_path, TABLE + "e.png,0,2,0\n", classes=ALL)


def test_a_column_of_labels_goes_before(tmp_path: Path) -> None:
    dataset = index(tmp_path, "path,label,x,y\na.png,x,0,1\nb.png,y,1,0\n", classes="x,y")
    assert labels(dataset) == {"a": "x", "b": "y"}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(0, 2), max_size=3), min_size=3, max_size=8))
def test_any_rows(tmp_path: Path, rows: list[set[int]]) -> None:
    rows = [{0}, {1}, {2}, *rows]
    text = "path,k,l,m\n" + "".join(
        f"{number:02d}.png," + ",".join(str(int(place in row)) for place in range(3)) + "\n"
        for number, row in enumerate(rows)
    )
    if any(len(row) > 1 for row in rows):
        with pytest.raises(BadInput, match="Expected one label an image"):
            index(tmp_path, text, classes="k,l,m")
        return
    expected = [(f"{n:02d}.png", min(row)) for n, row in enumerate(rows) if row]
    samples = index(tmp_path, text, classes="k,l,m").samples
    assert [(sample.name, sample.label) for sample in samples] == expected
