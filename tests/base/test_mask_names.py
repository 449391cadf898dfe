from __future__ import annotations

import pytest

from zoo.base.mask_names import is_images_folder, is_mask_folder, unmasked


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
