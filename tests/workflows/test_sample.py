"""Images of a data set as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from zoo import InvalidSetting, UnknownName, sample

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
