from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from zoo import BadInput
from zoo.report.figures.contact_sheet import Tile, contact_sheet, contact_sheet_png


def squares(number: int) -> list[tuple[np.ndarray, str, str]]:
    return [
        (np.full((20, 30, 3), (200, 40, 40), np.uint8), f"image-{i}.png", "NORMAL")
        for i in range(number)
    ]


def red(png: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    pixels = np.asarray(image.convert("RGB")).astype(int)
    return (np.abs(pixels - (200, 40, 40)) < 12).all(axis=-1)


def runs_of(line: np.ndarray) -> int:
    return int((np.diff(line.astype(int), prepend=0) == 1).sum())


def test_pictures_stand_in_a_grid() -> None:
    found = red(contact_sheet_png(squares(7), columns=3))
    assert runs_of(found.any(axis=1)) == 3, "three rows"
    assert runs_of(found.any(axis=0)) == 3, "three columns"
    last = found[np.flatnonzero(found.any(axis=1))[-1]]
    assert runs_of(last) == 1, "the last row holds one"


def test_a_title_takes_room_and_names_cannot_break_it() -> None:
    plain, titled = (
        Image.open(io.BytesIO(contact_sheet_png(squares(2), title=title)))
        for title in ("", "$broken^ title <b>")
    )
    assert titled.height > plain.height
    assert titled.width == plain.width
    gray = [(np.zeros((9, 9, 1), np.uint8), "$x$ " * 40, "三")]
    assert Image.open(io.BytesIO(contact_sheet_png(gray))).size[0] > 100


def test_nothing_to_show_is_refused() -> None:
    with pytest.raises(BadInput, match="at least one"):
        contact_sheet_png([])


def test_tiles_are_named_without_their_folder() -> None:
    tiles = contact_sheet([Tile(b"one", "train/NORMAL/a.png", "NORMAL", beside=b"two")])
    assert tiles[0]["short"] == "a.png"
    assert tiles[0]["name"] == "train/NORMAL/a.png"
    assert tiles[0]["picture"] == "data:image/jpeg;base64,b25l"
    assert tiles[0]["beside"].endswith("dHdv")
    assert contact_sheet([Tile(b"one", "C:\\x\\b.png")])[0] | {"picture": ""} == {
        "picture": "",
        "name": "C:\\x\\b.png",
        "short": "b.png",
        "text": "",
        "beside": "",
    }
