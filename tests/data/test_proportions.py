"""Images of a data set in their own proportions: the pixels that `read` gives, and their shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import Dataset, Sample
from zoo.base.pictures.image_files import ImagesBelow
from zoo.data import proportions
from zoo.data.verify import at_depth

SAMPLE = Sample("a.png", 0, "p")


def of_files(root: Path) -> Dataset:
    files = ImagesBelow(root)
    return Dataset(
        source="here",
        class_names=("a",),
        samples=(SAMPLE,),
        read=files.read,
        path=files.path,
        digest=files.digest,
    )


def test_a_file_tells_its_shape(picture: Callable[..., Path], tmp_path: Path) -> None:
    picture("a.png", size=(40, 60))
    data = of_files(tmp_path)
    pixels, shape = proportions.read_shaped(data, SAMPLE, (30, 30))
    assert shape == (40, 60)
    np.testing.assert_array_equal(pixels, data.read(SAMPLE, (30, 30)))
    assert proportions.read_proportioned(data, SAMPLE, 20).shape == (20, 30, 3)


def test_deep_files_are_read_at_the_depth_of_their_set(tmp_path: Path) -> None:
    values = np.full((16, 24), 2_000, np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    data = at_depth(of_files(tmp_path), 12)
    for pixels in (
        proportions.read_shaped(data, SAMPLE, (8, 8))[0],
        proportions.read_proportioned(data, SAMPLE, 8),
    ):
        assert pixels.mean() == pytest.approx(255 * 2_000 / 4_095, abs=1)


def test_an_image_that_is_no_file_is_read_as_it_is_given() -> None:
    data = Dataset(
        source="here",
        class_names=("a",),
        samples=(SAMPLE,),
        read=lambda _, size: np.full((*(size or (60, 20)), 3), 7, np.uint8),
        digest=lambda s: s.name,
    )
    pixels, shape = proportions.read_shaped(data, SAMPLE, (30, 30))
    assert shape is None
    assert pixels.shape == (30, 30, 3)
    assert proportions.read_proportioned(data, SAMPLE, 10).shape == (30, 10, 3)
