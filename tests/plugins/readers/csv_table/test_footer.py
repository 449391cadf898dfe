"""Totals and sentences below a table are no images; whatever may be a row stays one."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.readers.csv_table import zoo_read_dataset
from zoo import BadInput, Dataset

HEADER = "image,label,age"
ROWS = "\n".join([HEADER, *(f"{n}.png,{('ill', 'well')[n % 2]},4{n}" for n in range(1, 5))])


def index(folder: Path, text: str, location: str = "set.csv", **options: str) -> Dataset:
    for number in range(1, 5):
        (folder / f"{number}.png").touch()
    (folder / "set.csv").write_text(text)
    dataset = zoo_read_dataset(str(folder / location), options)
    assert dataset is not None
    return dataset


@pytest.mark.parametrize(
    ("footer", "told"),
    [
        ("Total: 4", "The last line, 'Total: 4', is"),
        ("Total,4,", "The last line, 'Total', is"),
        ("Total,,42.5", "The last line, 'Total', is"),
        (",N = 4,", "The last line, 'N = 4', is"),
        ("Exported by the archive,,", "The last line, 'Exported by the archive', is"),
        ("\nTOTALS:,4\nExported by A\n\n", "The last 2 lines, from 'TOTALS:' on, are"),
    ],
)
def test_a_footer_is_left_out_and_said(tmp_path: Path, footer: str, told: str) -> None:
    for location in ("set.csv", ""):
        dataset = index(tmp_path, f"{ROWS}\n{footer}", location)
        assert [sample.name for sample in dataset.samples] == [f"{n}.png" for n in range(1, 5)]
        assert dataset.class_names == ("ill", "well")
        assert f"{told} taken for a footer and left out." in dataset.notes


def test_images_without_an_ending_are_known_too(tmp_path: Path) -> None:
    dataset = index(tmp_path, ROWS.replace(".png", "") + "\nTotal,4,")
    assert len(dataset.samples) == 4


@pytest.mark.parametrize(
    "last", ["5.png,ill,4", "Total.png,4,", "old total,ill,4", "total,ill,4", "a note,ill,"]
)
def test_what_may_be_a_row_stays_one(tmp_path: Path, last: str) -> None:
    dataset = index(tmp_path, f"{ROWS}\n{last}")
    assert "footer" not in " ".join(dataset.notes)
    assert len(dataset.samples) == 5  # and is said to be missing when it is read


@pytest.mark.parametrize(
    ("last", "said"), [("IM-0005,,", "has no label"), ("5", "fewer than the first line")]
)
def test_a_row_that_was_cut_is_refused(tmp_path: Path, last: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        index(tmp_path, f"{ROWS}\n{last}")


def test_an_image_that_is_called_so_is_an_image(tmp_path: Path) -> None:
    (tmp_path / "total.png").touch()
    dataset = index(tmp_path, f"{ROWS}\ntotal,4,")
    assert "4" in dataset.class_names
    text = "sex,image,label\n" + "\n".join(f"{'fn'[n // 4]},{n},{n % 2}" for n in range(1, 5))
    assert len(index(tmp_path, text).samples) == 4  # the last begins with `n`, and names 4.png
    (tmp_path / "the last.png").touch()
    with pytest.raises(BadInput, match="has no label"):
        index(tmp_path, f"{ROWS}\nthe last,,")


def test_nothing_is_a_footer_above_rows_or_where_no_image_is(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Line 6"):
        index(tmp_path, f"{ROWS}\nTotal: 4\n4.png,ill,3")
    with pytest.raises(BadInput, match="Line 6"):
        index(tmp_path, f"{ROWS}{chr(10)}" + "a note,,\n" * 6)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(BadInput, match="has no label"):
        index(tmp_path, f"{ROWS}\nTotal: 4,,", root=str(tmp_path / "elsewhere"))
