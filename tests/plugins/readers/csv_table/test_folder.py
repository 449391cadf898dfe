"""Folders of images that one table names, opened as that table."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo import BadInput, Dataset
from zoo.base.registry import load_registry

PLAIN = "image,label\na.png,ill\nb.png,well\n"


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def opened(folder: Path, options: str = "") -> Dataset:
    return load_registry().dataset(f"{folder}?{options}" if options else str(folder))


def counts(dataset: Dataset) -> dict[str, str]:
    return {sample.name: dataset.class_names[sample.label] for sample in dataset.samples}


@pytest.mark.parametrize(
    ("images", "table"),
    [
        ("images/{}.png", "labels.csv"),
        ("{}.png", "labels.csv"),
        ("images_001/images/{}.png", "all.tsv"),
        ("images/{}.png", "annotations/labels.csv"),
    ],
)
def test_the_only_table_that_names_the_images_is_opened_and_said(
    images: str, table: str, tmp_path: Path
) -> None:
    tree(tmp_path, *(images.format(name) for name in "abc"), table)
    (tmp_path / table).write_text(PLAIN)
    dataset = opened(tmp_path)
    assert counts(dataset) == {images.format("a"): "ill", images.format("b"): "well"}
    told = f"Opened by '{tmp_path / table}', the only table that names images in '{tmp_path}': 2 of"
    assert [note for note in dataset.notes if told in note], dataset.notes
    assert any("2 of 3." in note for note in dataset.notes)


def test_options_are_those_of_the_table(tmp_path: Path) -> None:
    tree(tmp_path, "images/a.png", "images/b.png")
    (tmp_path / "x.csv").write_text("image,normal,ill\na,0,1\nb,1,0\n")
    dataset = opened(tmp_path, "classes=normal,ill")
    assert counts(dataset) == {"images/a.png": "ill", "images/b.png": "normal"}
    with pytest.raises(BadInput, match="one of the columns normal, ill is 1 in each row"):
        opened(tmp_path)


def test_masks_beside_the_images_are_never_the_images(tmp_path: Path) -> None:
    tree(tmp_path, *(f"{kind}/{name}.png" for kind in ("images", "masks") for name in "ab"))
    (tmp_path / "labels.csv").write_text(PLAIN)
    assert set(counts(opened(tmp_path))) == {"images/a.png", "images/b.png"}


def test_the_single_folder_of_an_archive_is_stepped_through(tmp_path: Path) -> None:
    tree(tmp_path, "set/set/images/a.png", "set/set/images/b.png", "__MACOSX/x", ".DS_Store")
    (tmp_path / "set/set/labels.csv").write_text(PLAIN)
    assert set(counts(opened(tmp_path))) == {"images/a.png", "images/b.png"}


def test_where_two_tables_fit_it_is_asked(tmp_path: Path) -> None:
    tree(tmp_path, *(f"images/{name}.png" for name in "abcd"))
    (tmp_path / "train.csv").write_text(PLAIN)
    (tmp_path / "test.csv").write_text("image,label\nc.png,ill\nd.png,well\nd.png,well\n")
    with pytest.raises(BadInput, match=r"test\.csv' \(2 images\), .*train\.csv' \(2 images\)"):
        opened(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "image,label\nx.png,ill\ny.png,well\n",
        "image,label\na.png,ill\ny.png,well\n",
        "film,label\nx.png,ill\ny.png,well\n",
        "image,sex\na.png,F\nb.png,M\n",
        "",
        "\0",
    ],
    ids=["other images", "half of them", "no path", "no label", "empty", "no table"],
)
def test_a_table_that_does_not_fit_is_asked_about(text: str, tmp_path: Path) -> None:
    tree(tmp_path, "images/a.png", "images/b.png")
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(BadInput, match=r"2 images .*Is the class in a table\?.*labels\.csv"):
        opened(tmp_path)


def test_a_table_that_does_not_fit_is_no_rival(tmp_path: Path) -> None:
    tree(tmp_path, "images/a.png", "images/b.png")
    (tmp_path / "labels.csv").write_text(PLAIN)
    (tmp_path / "people.csv").write_text("patient,age\np,3\n")
    (tmp_path / "elsewhere.csv").write_text("image,label\nx.png,ill\n")
    assert len(counts(opened(tmp_path))) == 2


def test_the_boxes_of_a_published_table_are_no_rival(tmp_path: Path) -> None:
    tree(tmp_path, "images_001/images/00000001_000.png", "images_002/images/00000002_000.png")
    (tmp_path / "Data_Entry_2017.csv").write_text(
        "Image Index,Finding Labels,Patient ID\n"
        "00000001_000.png,Mass,1\n00000002_000.png,No Finding,2\n"
    )
    (tmp_path / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h]\n00000001_000.png,Mass,1,2,3,4\n"
    )
    assert len(counts(opened(tmp_path, "finding=Mass"))) == 2


def test_class_folders_go_before_a_table(tmp_path: Path) -> None:
    tree(tmp_path, "A/a.png", "B/b.png")
    (tmp_path / "labels.csv").write_text(PLAIN)
    assert opened(tmp_path).class_names == ("A", "B")
    tree(tmp_path, "images/A/a.png", "images/B/b.png")
    assert opened(tmp_path, "class=folder:-1").class_names == ("A", "B")


def test_a_class_in_the_file_names_is_not_lost_to_a_table_without_labels(tmp_path: Path) -> None:
    tree(tmp_path, "images/CHNCXR_0001_0.png", "images/CHNCXR_0002_1.png")
    (tmp_path / "people.csv").write_text("image,sex\nCHNCXR_0001_0.png,F\nCHNCXR_0002_1.png,M\n")
    assert opened(tmp_path).class_names == ("normal", "tuberculosis")
