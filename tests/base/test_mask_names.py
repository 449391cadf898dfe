from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from zoo.base.mask_names import is_images_folder, is_mask_folder, side_of_mask, unmasked


@pytest.mark.parametrize(
    "name", ["masks", "Mask", "lung masks", "leftMask", "infection_masks", "gt", "Segmentation",
             "labels", "ground truth", "GroundTruth", "lung_segmentations", "masks_png"],
)  # fmt: skip
def test_folders_of_masks(name: str) -> None:
    assert is_mask_folder(name)
    assert not is_images_folder(name)


@pytest.mark.parametrize(
    "name", ["no_mask", "without mask", "with_mask", "unmasked", "NORMAL", "gtx", "", "images"]
)
def test_other_folders(name: str) -> None:
    assert not is_mask_folder(name)


@pytest.mark.parametrize(
    "name", ["images", "Images", "images_001", "img", "PNG", "jpeg", "CXR_png"]
)
def test_folders_of_images(name: str) -> None:
    assert is_images_folder(name)


@pytest.mark.parametrize(
    ("stem", "image"),
    [
        ("a_mask", "a"),
        ("benign (1)_mask_1", "benign (1)"),
        ("a-seg", "a"),
        ("a_lung_mask", "a"),
        ("CHNCXR_0001_0_mask", "CHNCXR_0001_0"),
        ("mask_a", "a"),
        ("a", None),
        ("mask", None),
        ("unmasked", None),
        ("a_masked", None),
    ],
)
def test_masks_by_the_ends_of_their_names(stem: str, image: str | None) -> None:
    assert unmasked(stem) == image


@pytest.mark.parametrize(
    ("path", "side"),
    [
        ("ManualMask/leftMask/a.png", "left"),
        ("masks/Right/a.png", "right"),
        ("left lung/a.png", "left"),
        ("lung_right/a.png", "right"),
        ("masks/a_left_mask.png", "left"),
        ("masks/a_right_lung_mask.png", "right"),
        ("leftover/a.png", ""),
        ("masks/leftMask.png", ""),
        ("masks/left_a.png", ""),
        ("a_mask.png", ""),
        ("left/masks/a.png", ""),
    ],
)
def test_which_lung_a_mask_is_of(path: str, side: str) -> None:
    assert side_of_mask(PurePosixPath(path)) == side
