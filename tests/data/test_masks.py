from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import BadInput, Sample
from zoo.data import masks


def drawn(path: Path, columns: int) -> None:
    """Write a 1-bit mask of 40 x 40 whose first columns are white."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((40, 40), np.uint8)
    pixels[:, :columns] = 255
    Image.fromarray(pixels).convert("1").save(path)


def sample(name: str) -> Sample:
    return Sample(name, 0, name)


def found_for(folder: Path, samples: list[Sample]) -> masks.Masks:
    return masks.find_masks(folder, samples, lambda one: one.name)


def test_masks_are_found_by_the_name_of_their_image_and_white_is_inside(tmp_path: Path) -> None:
    drawn(tmp_path / "anywhere/at all/one.png", 20)
    found = found_for(tmp_path, [sample("train/NORMAL/one.jpeg"), sample("two.jpeg")])
    inside = found(sample("train/NORMAL/one.jpeg"), (10, 10))
    assert inside is not None
    assert inside.dtype == bool
    assert inside[:, :5].all()
    assert not inside[:, 5:].any()
    assert found(sample("two.jpeg"), (10, 10)) is None


def test_of_two_masks_of_a_name_the_one_in_the_same_folders_counts(tmp_path: Path) -> None:
    drawn(tmp_path / "train/A/one.png", 40)
    drawn(tmp_path / "train/B/one.png", 0)
    found = found_for(tmp_path, [sample("train/A/one.jpeg")])
    for folder, share in (("train/A", 1), ("train/B", 0)):
        inside = found(sample(f"{folder}/one.jpeg"), (8, 8))
        assert inside is not None
        assert inside.mean() == share


def test_a_folder_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no folder of masks"):
        found_for(tmp_path / "nowhere", [sample("one.jpeg")])
    drawn(tmp_path / "other.png", 3)
    with pytest.raises(BadInput, match=r"None of the 1 masks .* such as 'one'"):
        found_for(tmp_path, [sample("train/one.jpeg")])


def test_masks_among_their_images_are_told_by_their_folder(tmp_path: Path) -> None:
    for kind, columns in (("A", 10), ("B", 30)):
        drawn(tmp_path / kind / "images" / "1.png", 40)
        drawn(tmp_path / kind / "masks" / "1.png", columns)
    found = found_for(tmp_path, [sample("A/images/1.png")])
    for kind, share in (("A", 0.25), ("B", 0.75)):
        inside = found(sample(f"{kind}/images/1.png"), (8, 8))
        assert inside is not None
        assert inside.mean() == share


def test_a_mask_may_say_so_at_the_end_of_its_name(tmp_path: Path) -> None:
    drawn(tmp_path / "CHNCXR_0001_0_mask.png", 40)
    found = found_for(tmp_path, [sample("CHNCXR_0001_0.png")])
    assert found.of("x/CHNCXR_0001_0.png") == (tmp_path / "CHNCXR_0001_0_mask.png",)


def right_half(path: Path) -> None:
    """Write a mask of 40 x 40 whose right half is white."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((40, 40), np.uint8)
    pixels[:, 20:] = 255
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("ManualMask/leftMask/1.png", "ManualMask/rightMask/1.png"),
        ("masks/left/1.png", "masks/right/1.png"),
        ("masks/1_left_mask.png", "masks/1_right_mask.png"),
    ],
)
def test_masks_of_single_lungs_are_joined(left: str, right: str, tmp_path: Path) -> None:
    drawn(tmp_path / left, 10)
    right_half(tmp_path / right)
    drawn(tmp_path / "CXR_png" / "1.png", 40)
    found = found_for(tmp_path, [sample("CXR_png/1.png")])
    inside = found(sample("CXR_png/1.png"), (8, 8))
    assert inside is not None
    assert inside.all(axis=0).tolist() == [True, True, False, False, True, True, True, True]
    assert inside.any(axis=0).tolist() == inside.all(axis=0).tolist()


def test_a_mask_of_both_lungs_goes_before_those_of_each(tmp_path: Path) -> None:
    drawn(tmp_path / "leftMask" / "1.png", 10)
    right_half(tmp_path / "rightMask" / "1.png")
    drawn(tmp_path / "masks" / "1.png", 40)
    found = found_for(tmp_path, [sample("1.png")])
    assert found.of("1.png") == (tmp_path / "masks" / "1.png",)


def test_a_lung_without_the_other_is_refused_where_there_are_both(tmp_path: Path) -> None:
    drawn(tmp_path / "leftMask" / "1.png", 10)
    drawn(tmp_path / "leftMask" / "2.png", 10)
    assert len(found_for(tmp_path, [sample("1.png"), sample("2.png")]).of("1.png")) == 1
    drawn(tmp_path / "rightMask" / "1.png", 10)
    with pytest.raises(BadInput, match=r"of the left lung of '2\.png' and none of the other"):
        found_for(tmp_path, [sample("1.png"), sample("2.png")])


def test_images_of_a_side_have_masks_of_their_own(tmp_path: Path) -> None:
    """Folders called left and right may hold hands as well as masks of lungs."""
    drawn(tmp_path / "masks" / "left" / "1.png", 10)
    right_half(tmp_path / "masks" / "right" / "1.png")
    found = found_for(tmp_path, [sample("left/1.png"), sample("right/1.png")])
    assert found.of("right/1.png") == (tmp_path / "masks" / "right" / "1.png",)
    assert found.of("left/1.png") == (tmp_path / "masks" / "left" / "1.png",)


def test_several_masks_of_an_image_are_joined_beside_it_too(tmp_path: Path) -> None:
    """As BUSI has them: in the folder of the images, which are no masks of themselves."""
    name = "benign/benign (4).png"
    for end, columns in (("", 40), ("_mask", 10), ("_mask_1", 0)):
        drawn(tmp_path / f"benign/benign (4){end}.png", columns)
    right_half(tmp_path / "benign/benign (4)_mask_2.png")
    drawn(tmp_path / "normal/normal (1).png", 40)
    found = found_for(tmp_path, [sample(name), sample("normal/normal (1).png")])
    assert len(found.of(name)) == 3
    inside = found(sample(name), (8, 8))
    assert inside is not None
    assert inside.all(axis=0).tolist() == [True, True, False, False, True, True, True, True]
    assert inside.any(axis=0).tolist() == inside.all(axis=0).tolist()
    assert found.of("normal/normal (1).png") == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a_infection_mask.png", "a_lung_mask.png"),
        ("first/a_mask.png", "second/a_mask.png"),
        ("first/a.png", "second/a_mask.png"),
    ],
)
def test_masks_of_another_kind_are_not_joined(one: str, other: str, tmp_path: Path) -> None:
    for path in (one, other):
        drawn(tmp_path / path, 10)
    assert found_for(tmp_path, [sample("a.png")]).of("a.png") == (tmp_path / one,)


def test_several_masks_are_not_taken_for_the_two_lungs(tmp_path: Path) -> None:
    for name in ("1_mask", "1_mask_1", "2_left_mask"):
        drawn(tmp_path / f"{name}.png", 10)
    found = found_for(tmp_path, [sample("1.png"), sample("2.png")])
    assert len(found.of("1.png")) == 2
    assert len(found.of("2.png")) == 1


@pytest.mark.parametrize(
    "other", ["test/A/one.png", "train/B/one.png", "one.png", "train/images/one.png"]
)
def test_a_mask_that_different_images_may_have_is_refused(other: str, tmp_path: Path) -> None:
    drawn(tmp_path / "one_mask.png", 20)
    samples = [sample("train/A/one.png"), sample(other)]
    with pytest.raises(BadInput, match="different images of one name"):
        found_for(tmp_path, samples)
    with pytest.raises(BadInput, match="different images of one name"):
        masks.find_masks(tmp_path, samples[:1], lambda one: one.name, beside=samples)


def test_an_image_does_not_get_the_mask_of_another_one_of_its_name(tmp_path: Path) -> None:
    drawn(tmp_path / "A/one.png", 20)
    ours, other = sample("all/A/one.png"), sample("all/B/one.png")
    found = found_for(tmp_path, [ours, other])
    assert found.of(ours.name) == (tmp_path / "A/one.png",)
    assert found.of(other.name) == ()
    assert found(other, (8, 8)) is None


def test_the_same_image_in_several_folders_has_one_mask(tmp_path: Path) -> None:
    drawn(tmp_path / "one.png", 20)
    samples = [sample("Nodule/one.png"), sample("Mass/one.png")]
    found = masks.find_masks(tmp_path, samples, lambda one: "the same")
    assert {found.of(one.name) for one in samples} == {(tmp_path / "one.png",)}


def test_two_files_of_an_image_in_one_folder_have_one_mask(tmp_path: Path) -> None:
    drawn(tmp_path / "one.png", 20)
    samples = [sample("A/one.dcm"), sample("A/one.jpeg")]
    found = found_for(tmp_path, samples)
    assert all(found.of(one.name) for one in samples)
