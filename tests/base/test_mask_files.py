from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import BadInput
from zoo.base.mask_files import inside

LEFT = np.zeros((40, 40), np.uint8)
LEFT[:, :10] = 1


def written(path: Path, values: np.ndarray) -> Path:
    Image.fromarray(values).save(path)
    return path


@pytest.mark.parametrize("white", [255, 200, 1])
def test_white_is_inside_and_so_is_1_of_0_and_1(white: int, tmp_path: Path) -> None:
    path = written(tmp_path / "a.png", LEFT * white)
    assert inside([path], (8, 4)).tolist() == [[True, False, False, False]] * 8


def test_noise_of_a_packed_black_mask_is_outside(tmp_path: Path) -> None:
    assert not inside([written(tmp_path / "a.png", LEFT * 3)], (8, 8)).any()
    speck = np.zeros((160, 160), np.uint8)
    speck[0, 0] = 255  # which is 1 when it is averaged
    assert not inside([written(tmp_path / "b.png", speck)], (10, 10)).any()


def test_several_masks_are_joined_and_none_is_nowhere(tmp_path: Path) -> None:
    one, two = written(tmp_path / "1.png", LEFT * 255), written(tmp_path / "2.png", LEFT.T * 255)
    both = inside([one, two], (8, 8))
    assert both[:2].all()
    assert both[:, :2].all()
    assert both.sum() == 2 * 16 - 4
    assert not inside([], (8, 8)).any()
    with pytest.raises(BadInput, match="There is no file"):
        inside([tmp_path / "3.png"], (8, 8))
