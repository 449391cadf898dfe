"""Masks that a table names as files."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plugins.readers.csv_table import zoo_read_dataset
from zoo import BadInput, Dataset, UnknownName


def picture(path: Path, columns: slice = slice(0), shape: tuple[int, int] = (30, 40)) -> None:
    """Write a picture of which some columns are white."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros(shape, np.uint8)
    pixels[:, columns] = 255
    Image.fromarray(pixels).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "ab":
        picture(tmp_path / "images" / f"{name}.png")
        picture(tmp_path / "left" / f"{name}.png", slice(0, 10))
        picture(tmp_path / "right" / f"{name}.png", slice(30, 40))
    return tmp_path


def index(folder: Path, text: str, **options: str) -> Dataset:
    (folder / "set.csv").write_text(text)
    dataset = zoo_read_dataset(str(folder / "set.csv"), options)
    assert dataset is not None
    return dataset


def columns_inside(dataset: Dataset, row: int, size: tuple[int, int] | None) -> list[bool]:
    """Return which columns are in a mask, all of whose rows are alike."""
    assert dataset.mask is not None
    mask = pickle.loads(pickle.dumps(dataset.mask))(dataset.samples[row], size)  # noqa: S301
    assert mask.dtype == bool
    assert (mask == mask[0]).all()
    return list(mask[0])


def test_a_column_of_masks(folder: Path) -> None:
    text = "path,label,where\nimages/a.png,ill,left/a.png\nimages/b.png,well,\n"
    dataset = index(folder, text, masks="where")
    assert columns_inside(dataset, 0, (6, 8)) == [True] * 2 + [False] * 6
    assert columns_inside(dataset, 0, None) == [True] * 10 + [False] * 30
    assert not any(columns_inside(dataset, 1, (6, 8)))
    assert "1 of 2 images have a mask." in dataset.notes
    assert index(folder, text).mask is None, "only where they are asked for"


def test_columns_of_the_left_and_the_right_are_joined(folder: Path) -> None:
    text = "path,label,L,R\nimages/a.png,x,left/a.png,right/a.png\nimages/b.png,y,,right\\b.png\n"
    dataset = index(folder, text, masks="L,R")
    assert columns_inside(dataset, 0, (6, 8)) == [True] * 2 + [False] * 4 + [True] * 2
    assert columns_inside(dataset, 1, (6, 8)) == [False] * 6 + [True] * 2


def test_masks_of_several_rows_are_joined_where_they_show_the_finding(folder: Path) -> None:
    text = (
        "path,label,m\nimages/a.png,nodule,left/a.png\nimages/a.png,effusion,right/a.png\n"
        "images/a.png,nodule,left/b.png\nimages/b.png,effusion,right/b.png\n"
    )
    picture(folder / "left" / "b.png", slice(15, 20))
    dataset = index(folder, text, masks="m", finding="nodule")
    assert columns_inside(dataset, 0, (6, 8)) == [True, True, False, True] + [False] * 4
    assert not any(columns_inside(dataset, 1, (6, 8)))


def test_masks_are_found_by_name_and_are_never_the_image_itself(folder: Path) -> None:
    for name in "ab":
        (folder / "right" / f"{name}.png").unlink()
    text = "path,label,m\nimages/a.png,x,a.png\nimages/b.png,y,/other/machine/left/b.png\n"
    dataset = index(folder, text, masks="m")
    for row in (0, 1):
        assert columns_inside(dataset, row, (6, 8)) == [True] * 2 + [False] * 6


@pytest.mark.parametrize(
    ("cells", "options", "words"),
    [
        (("left/c.png", ""), {"masks": "m"}, r"mask 'left/c\.png' of 'images/a\.png' \(line 2"),
        (("", ""), {"masks": "m"}, "name no file"),
        (("left/a\0.png", ""), {"masks": "m"}, "Line 2 .* control characters"),
        (("left/a.png", ""), {"masks": "n"}, "0 columns called 'n'"),
        (("left/a.png", ""), {"masks": "m,"}, "0 columns called ''"),
        (("left/a.png", ""), {"masks": "m", "boxes": "m"}, "Expected one of boxes, runs and masks"),
    ],
)
def test_what_is_refused(
    folder: Path, cells: tuple[str, str], options: dict[str, str], words: str
) -> None:
    text = f"path,label,m\nimages/a.png,x,{cells[0]}\nimages/b.png,y,{cells[1]}\n"
    with pytest.raises(BadInput, match=words):
        index(folder, text, **options)
    with pytest.raises(UnknownName, match="Did you mean 'masks'"):
        index(folder, text, mask="m")


def test_a_mask_that_is_broken_is_refused_when_it_is_read(folder: Path) -> None:
    (folder / "left" / "a.png").write_bytes(b"no picture")
    text = "path,label,m\nimages/a.png,x,left/a.png\nimages/b.png,y,\n"
    dataset = index(folder, text, masks="m")
    assert dataset.mask is not None
    with pytest.raises(BadInput, match="not an image"):
        dataset.mask(dataset.samples[0], (8, 8))
