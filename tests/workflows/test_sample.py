"""Images of a data set as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from zoo import InvalidSetting, UnknownName, sample
from zoo.workflows.sample import _stems

SOURCE = "phantom?images=12&size=64"


def test_so_many_of_each_class_are_written_as_they_are_in_the_set(tmp_path: Path) -> None:
    from zoo import load_registry

    written = sample(tmp_path / "new" / "pictures", SOURCE, count=2)
    names = ["NORMAL-1.png", "NORMAL-2.png", "PNEUMONIA-1.png", "PNEUMONIA-2.png"]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in written[0].parent.iterdir()) == names
    dataset = load_registry().dataset(SOURCE)
    first = next(one for one in dataset.samples if one.label == 1)
    with Image.open(written[2]) as image:
        assert image.convert("RGB").tobytes() == dataset.read(first, None).tobytes()


def test_more_than_there_are_gives_those_there_are(tmp_path: Path) -> None:
    assert len(sample(tmp_path, SOURCE, count=50)) == 12


@pytest.mark.parametrize(("asked", "error"), [({"count": 0}, InvalidSetting), ({}, UnknownName)])
def test_what_cannot_be_had_leaves_nothing(
    tmp_path: Path, asked: dict[str, int], error: type[Exception]
) -> None:
    with pytest.raises(error):
        sample(tmp_path / "none", SOURCE if asked else "phantom?no=1", **asked)
    assert not (tmp_path / "none").exists()


def test_class_names_lead_nowhere_else_and_are_told_apart(tmp_path: Path) -> None:
    classes = {"NORMAL": "../../escaped", "PNEUMONIA": "a/b"}
    rows = [
        f"{path},{classes[path.name.split('-')[0]]},{path.stem}"
        for path in sample(tmp_path, SOURCE, count=2)
    ]
    (tmp_path / "data.csv").write_text("\n".join(["path,label,patient", *rows]))
    written = sample(tmp_path / "in" / "new", str(tmp_path / "data.csv"), count=1)
    assert [path.name for path in written] == [".._.._escaped-1.png", "a_b-1.png"]
    assert {path.parent for path in written} == {tmp_path / "in" / "new"}
    assert all(path.is_file() for path in written)
    assert _stems(["a/b", "a b", "A?B", "c"]) == ["a_b", "a_b-2", "A_B-3", "c"]


def test_a_file_of_somebody_else_is_left_and_the_same_images_are_not_written_twice(
    tmp_path: Path,
) -> None:
    (tmp_path / "NORMAL-1.png").write_bytes(b"mine")
    for _ in range(2):
        names = [path.name for path in sample(tmp_path, SOURCE, count=1)]
        assert names == ["NORMAL-2.png", "PNEUMONIA-1.png"]
    assert (tmp_path / "NORMAL-1.png").read_bytes() == b"mine"
    assert len(list(tmp_path.iterdir())) == 3
