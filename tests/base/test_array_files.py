from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.base.array_files import Expected, read_arrays

TABLE = {
    "logits": Expected("f", "images classes"),
    "labels": Expected("iu", "images", low=0, high=9),
    "names": Expected("U", "images"),
    "shapes": Expected("f", "images values", optional=True),
}
WHOLE: dict[str, Any] = {
    "logits": np.zeros((3, 2), np.float32),
    "labels": np.array([0, 1, 0]),
    "names": np.array(["a", "b", "c"]),
    "shapes": np.zeros((0, 0)),
}


def saved(path: Path, **changes: Any) -> Path:
    arrays = {name: array for name, array in {**WHOLE, **changes}.items() if array is not None}
    np.savez(path / "a.npz", **arrays)
    return path / "a.npz"


def test_arrays_that_fit_are_read(tmp_path: Path) -> None:
    for shapes in (None, np.zeros((0, 0)), np.zeros((3, 7))):
        read = read_arrays(saved(tmp_path, shapes=shapes), TABLE, classes=2, images=None)
        np.testing.assert_array_equal(read["labels"], WHOLE["labels"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": None}, "it has no 'labels'"),
        ({"labels": np.array([0, 1])}, r"'labels' is \(2,\), not 3 images"),
        ({"labels": np.array([0, 1, -1])}, "'labels' goes from -1 to 1, not 0 to 9"),
        ({"labels": np.array([0, 1, 10])}, "goes from 0 to 10"),
        ({"labels": np.array([0.0, 1.0, 0.0])}, "'labels' is of type float64"),
        (
            {"logits": np.zeros((3, 3), np.float32)},
            r"'logits' is \(3, 3\), not 3 images by 2 classes",
        ),
        ({"logits": np.full((3, 2), np.nan)}, "'logits' has values that are not finite"),
        ({"logits": np.array([[0, np.inf]] * 3)}, "not finite"),
        ({"names": np.array([1, 2, 3])}, "'names' is of type int64"),
        ({"shapes": np.zeros((2, 7))}, r"'shapes' is \(2, 7\)"),
        ({"names": np.array([{}, {}, {}], object)}, "allow_pickle=False"),
    ],
)
def test_arrays_that_do_not_fit_are_told(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        read_arrays(saved(tmp_path, **changes), TABLE, classes=2)


def test_a_single_array_is_no_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(ValueError, match="no archive"):
        read_arrays(tmp_path / "a.npy", TABLE)
