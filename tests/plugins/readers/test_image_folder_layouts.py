"""Layouts of folders as archives have them; files are empty, since indexing opens none of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from plugins.readers.image_folder import zoo_read_dataset
from zoo import BadInput, Dataset
from zoo.base.sources import parse


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def index(root: Path | str, **options: str) -> Dataset:
    dataset = zoo_read_dataset(str(root), options)
    assert dataset is not None
    return dataset


def counts(dataset: Dataset) -> dict[tuple[str, str], int]:
    return dict(Counter((dataset.class_names[s.label], s.split) for s in dataset.samples))


def numbered(pattern: str, count: int = 3) -> list[str]:
    return [pattern.format(number) for number in range(count)]


def told(dataset: Dataset) -> str:
    return " ".join(dataset.notes)


@pytest.mark.parametrize(
    "pattern",
    [
        "{split}/{kind}/1.png",
        "{kind}/{split}/1.png",
        "set/set/{split}/{kind}/1.png",
        "set/{kind}/{split}/images/1.png",
        "images/{split}/{kind}/1.png",
        "{split}/images/{kind}/1.png",
        "{split}_images/{kind}/deep/er/1.png",
        "{split}/chest/{kind}/1.png",
        "{split}/{kind}/images_001/1.png",
    ],
)
def test_splits_above_below_and_between(tmp_path: Path, pattern: str) -> None:
    splits, kinds = ("train", "val", "test"), ("A", "B")
    tree(tmp_path, *(pattern.format(split=s, kind=k) for s in splits for k in kinds))
    assert counts(index(tmp_path)) == {
        (kind, split): 1 for kind in kinds for split in ("train", "validation", "test")
    }


@pytest.mark.parametrize("masks", ["masks", "Masks", "lung masks", "gt", "segmentation", "labels"])
@pytest.mark.parametrize("split", ["", "train/"])
def test_masks_beside_images_are_no_cases(tmp_path: Path, masks: str, split: str) -> None:
    for kind in ("COVID", "Normal"):
        tree(tmp_path, *numbered(f"{split}{kind}/images/{kind}-{{}}.png"))
        tree(tmp_path, *numbered(f"{split}{kind}/{masks}/m{{}}.png"))
    dataset = index(tmp_path)
    assert len(dataset.samples) == 6
    assert all("/images/" in sample.name for sample in dataset.samples)
    assert f"being masks by their names: 6 files ({split}COVID/{masks}" in told(dataset)


@pytest.mark.parametrize("ending", ["_mask", "_mask_1", "-seg", "_lung_mask", "_segmentation"])
def test_masks_in_the_folder_of_the_images_are_no_cases(tmp_path: Path, ending: str) -> None:
    for kind in ("benign", "malignant"):
        tree(tmp_path, *numbered(f"{kind}/{kind} ({{}}).png"))
        tree(tmp_path, *numbered(f"{kind}/{kind} ({{}}){ending}.png"))
    dataset = index(tmp_path)
    assert len(dataset.samples) == 6
    assert "6 files (*_mask)" in told(dataset)


def test_a_tree_of_masks_beside_the_classes_is_known_by_its_names(tmp_path: Path) -> None:
    for kind in "AB":
        tree(tmp_path, *numbered(f"{kind}/{kind}{{}}.png"))
        tree(tmp_path, *numbered(f"masks/{kind}/{kind}{{}}_mask.png"))
    assert counts(index(tmp_path)) == {("A", ""): 3, ("B", ""): 3}


@pytest.mark.parametrize("names", [("mask", "no_mask"), ("with_mask", "without_mask")])
def test_classes_of_people_with_masks_stay_classes(tmp_path: Path, names: tuple[str, str]) -> None:
    for kind in names:
        tree(tmp_path, *numbered(f"{kind}/{kind}{{}}.png"))
    assert counts(index(tmp_path)) == {(kind, ""): 3 for kind in names}


def test_a_folder_that_may_be_masks_is_asked_about(tmp_path: Path) -> None:
    tree(tmp_path, *numbered("scans/s{}.png"), *numbered("masks/m{}.png"))
    with pytest.raises(BadInput, match="'masks' is named as masks are"):
        index(tmp_path)
    assert index(tmp_path, classes="scans,masks").class_names == ("scans", "masks")


def test_two_levels_that_may_be_the_classes_are_asked_about(tmp_path: Path) -> None:
    for site in ("north", "south"):
        for kind in ("ill", "well"):
            tree(tmp_path, *numbered(f"{site}/{kind}/{{}}.png"))
    with pytest.raises(BadInput, match=r"'north', 'south', or inside them 'ill', 'well'") as asked:
        index(tmp_path)
    assert "?class=folder:N" in str(asked.value)
    assert counts(index(tmp_path, **{"class": "folder:2"})) == {("ill", ""): 6, ("well", ""): 6}
    assert index(tmp_path, **{"class": "folder:1"}).class_names == ("north", "south")
    assert index(tmp_path, classes="north,south").class_names == ("north", "south")


def test_a_class_that_says_normal_needs_no_question(tmp_path: Path) -> None:
    for kind in ("Normal", "Pneumonia"):
        tree(tmp_path, *numbered(f"{kind}/AP/{{}}.png"), *numbered(f"{kind}/PA/{{}}.png"))
    assert counts(index(tmp_path)) == {("Normal", ""): 6, ("Pneumonia", ""): 6}


def test_folders_of_patients_are_not_taken_for_classes(tmp_path: Path) -> None:
    tree(tmp_path, *(f"train/patient{n:05d}/study1/view1.jpg" for n in range(5)))
    with pytest.raises(BadInput, match="named as patients, not as classes"):
        index(tmp_path)


def test_views_of_a_patients_folder_are_one_patient(tmp_path: Path) -> None:
    for kind in ("negative", "positive"):
        for person in range(3):
            tree(tmp_path, *numbered(f"train/{kind}/patient{person}/study1/view{{}}.png"))
    dataset = index(tmp_path)
    assert dataset.patient_rule == "folder"
    assert {s.patient for s in dataset.samples} == {"patient0", "patient1", "patient2"}
    by_place = index(tmp_path, patients="folder:3")
    assert [s.patient for s in by_place.samples] == [s.patient for s in dataset.samples]
    assert len({s.patient for s in index(tmp_path, patients=r"(\d)/study").samples}) == 3
    assert len({s.patient for s in index(tmp_path, patients="none").samples}) == 18


def test_the_class_may_be_in_the_file_name(tmp_path: Path) -> None:
    tree(tmp_path, *numbered("all/{}_ill.png"), *numbered("all/{}_well.png"), "all/readme.png")
    dataset = index(tmp_path, **{"class": r"_(\w+)\."}, classes="well,ill:pneumonia")
    assert counts(dataset) == {("well", ""): 3, ("pneumonia", ""): 3}
    assert "gives them no class: all/readme.png" in told(dataset)


@pytest.mark.parametrize("prefix", ["CHNCXR", "MCUCXR"])
def test_shenzhen_and_montgomery(tmp_path: Path, prefix: str) -> None:
    tree(tmp_path, *(f"CXR_png/{prefix}_{n:04d}_{n % 2}.png" for n in range(1, 7)))
    tree(tmp_path, *(f"ManualMask/leftMask/{prefix}_{n:04d}_{n % 2}.png" for n in range(1, 7)))
    tree(tmp_path, f"ClinicalReadings/{prefix}_0001_1.txt", "CXR_png/Thumbs.db")
    dataset = index(tmp_path)
    assert counts(dataset) == {("normal", ""): 3, ("tuberculosis", ""): 3}
    assert dataset.subject == "chest X-ray"
    assert {s.patient for s in dataset.samples} == {f"{prefix}_{n:04d}" for n in range(1, 7)}
    assert "0 is normal, 1 is tuberculosis" in told(dataset)
    assert "6 files (ManualMask)" in told(dataset)
    assert index(tmp_path, classes="0:healthy,1:TB").class_names == ("healthy", "TB")


def test_covid_19_radiography(tmp_path: Path) -> None:
    for kind in ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"):
        for part in ("images", "masks"):
            tree(tmp_path, *numbered(f"COVID-19_Radiography_Dataset/{kind}/{part}/{kind}-{{}}.png"))
        tree(tmp_path, f"COVID-19_Radiography_Dataset/{kind}.metadata.xlsx")
    dataset = index(tmp_path)
    assert dataset.class_names == ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia")
    assert len(dataset.samples) == 12
    assert "4 files that are not images (.xlsx)" in told(dataset)


def test_the_kaggle_archive_with_its_copy(tmp_path: Path) -> None:
    for top in ("", "chest_xray/", "__MACOSX/"):
        for split in ("train", "val", "test"):
            tree(tmp_path, f"{top}{split}/NORMAL/IM-0115-0001.jpeg")
            tree(tmp_path, f"{top}{split}/PNEUMONIA/person1_virus_6.jpeg")
    dataset = index(tmp_path)
    assert len(dataset.samples) == 6
    assert "beside the splits: chest_xray/ (6 images)" in told(dataset)
    assert "(__MACOSX)" in told(dataset)


@pytest.mark.parametrize(
    ("first", "second"), [("Normal", "NORMAL"), ("0", "0.0"), ("café", "cafe\u0301")]
)
def test_folder_names_that_differ_little_are_one_class(
    tmp_path: Path, first: str, second: str
) -> None:
    tree(tmp_path, *numbered(f"train/{first}/{{}}.png"), *numbered("train/other/{}.png"))
    tree(tmp_path, *numbered(f"test/{second}/{{}}.png"), *numbered("test/other/{}.png"))
    dataset = index(tmp_path)
    assert len(dataset.class_names) == 2
    assert len(dataset.samples) == 12
    assert "Taken as one class" in told(dataset)


def test_test_images_without_a_class_are_left_out_and_said(tmp_path: Path) -> None:
    tree(tmp_path, *numbered("train/A/{}.png"), *numbered("train/B/{}.png"))
    tree(tmp_path, *numbered("test/{}.png"), "cover.png")
    dataset = index(tmp_path)
    assert counts(dataset) == {("A", "train"): 3, ("B", "train"): 3}
    assert "beside the splits: loose files, test/ (4 images)" in told(dataset)


def test_folders_that_only_look_like_splits_are_said(tmp_path: Path) -> None:
    tree(tmp_path, "A/test/1.png", "A/2.png", "B/test/1.png", "B/2.png")
    dataset = index(tmp_path)
    assert counts(dataset) == {("A", ""): 2, ("B", ""): 2}
    assert "'A/test', are taken as none: 2 images" in told(dataset)


def test_images_with_a_table_beside_them_lead_to_the_table(tmp_path: Path) -> None:
    tree(tmp_path, *numbered("images_001/images/{}.png"), "Data_Entry_2017.csv", "README.txt")
    with pytest.raises(BadInput, match=r"Is the class in a table\?.*Data_Entry_2017\.csv'"):
        index(tmp_path)


def test_a_class_whose_files_are_no_images_is_explained(tmp_path: Path) -> None:
    tree(tmp_path, *numbered("NORMAL/{}.png"), *numbered("PNEUMONIA/{}.nii"))
    with pytest.raises(BadInput, match=r"Left out: 3 files that are not images \(\.nii\)"):
        index(tmp_path)


def test_mura(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        for number, kind in enumerate(["positive", "negative"]):
            study = f"MURA-v1.1/{split}/XR_WRIST/patient{split[0]}{number:05d}/study1_{kind}"
            tree(tmp_path, f"{study}/image1.png", f"{study}/image2.png")
    source = rf"{tmp_path}?class=study\d+_(\w+)"
    location, options = parse(source)
    dataset = index(location, **options)
    assert counts(dataset) == {
        (kind, split): 2 for kind in ("negative", "positive") for split in ("train", "validation")
    }
    assert len({s.patient for s in dataset.samples}) == 4


def test_covid_qu_ex(tmp_path: Path) -> None:
    for part in ("images", "lung masks", "infection masks"):
        for kind in ("COVID-19", "Normal"):
            for split in ("Train", "Val", "Test"):
                tree(tmp_path, f"Infection/{split}/{kind}/{part}/{kind}_1.png")
    dataset = index(tmp_path)
    assert counts(dataset) == {
        (kind, split): 1
        for kind in ("COVID-19", "Normal")
        for split in ("train", "validation", "test")
    }
    assert "12 files" in told(dataset)


def test_what_lies_beside_a_folder_of_images_is_left_out_and_said(tmp_path: Path) -> None:
    for part in ("images", "overlays"):
        tree(tmp_path, *numbered(f"A/{part}/{{}}.png"), *numbered(f"B/{part}/{{}}.png"))
    dataset = index(tmp_path)
    assert counts(dataset) == {("A", ""): 3, ("B", ""): 3}
    assert "beside folders of images: A/overlays, B/overlays (6 images)" in told(dataset)


@pytest.mark.parametrize("pattern", ["{kind}_{split}", "{split} {kind}", "{kind}-{split}"])
def test_a_folder_may_name_class_and_split_at_once(tmp_path: Path, pattern: str) -> None:
    for kind in ("covid", "normal"):
        for split in ("train", "test"):
            tree(tmp_path, *numbered(pattern.format(kind=kind, split=split) + "/{}.png"))
    dataset = index(tmp_path)
    assert counts(dataset) == {
        (kind, split): 3 for kind in ("covid", "normal") for split in ("train", "test")
    }
    assert "read as class and split" in told(dataset)


def test_splits_without_classes_are_no_classes(tmp_path: Path) -> None:
    tree(tmp_path, *numbered("train/{}.png"), *numbered("test/{}.png"), "train.csv")
    with pytest.raises(BadInput, match=r"Is the class in a table\?.*train\.csv"):
        index(tmp_path)


def test_chosen_classes_tell_the_level_of_the_folders(tmp_path: Path) -> None:
    for site in ("north", "south"):
        for kind in ("ill", "well"):
            tree(tmp_path, *numbered(f"{site}/{kind}/{{}}.png"))
    assert counts(index(tmp_path, classes="Well:NORMAL,ill:ILL")) == {
        ("NORMAL", ""): 6,
        ("ILL", ""): 6,
    }


def test_patients_below_the_classes_are_no_question(tmp_path: Path) -> None:
    tree(tmp_path, *(f"{c}/patient {n}/{i}.png" for c in "AB" for n in range(3) for i in range(2)))
    dataset = index(tmp_path)
    assert counts(dataset) == {("A", ""): 6, ("B", ""): 6}
    assert len({s.patient for s in dataset.samples}) == 3


def test_a_folder_without_images_beside_the_classes_is_named(tmp_path: Path) -> None:
    tree(tmp_path, *numbered("A/{}.png"), *numbered("B/{}.png"), *numbered("C/deep/{}.pgm"))
    tree(tmp_path, "A/notes/1.txt", "readme.txt")
    dataset = index(tmp_path)
    assert dataset.class_names == ("A", "B")
    assert "Folders without any image: 'A/notes' (1 files), 'C' (3 files)." in told(dataset)
    assert "Folders without" not in told(index(tree(tmp_path / "x", "A/1.png", "B/1.png")))


@pytest.mark.parametrize(
    ("tops", "inner", "asked"),
    [
        (("Infection Data/data", "Lung Data/data"), ("COVID-19", "Viral"), True),
        (("site1", "site2"), ("0", "1"), True),
        (("ill", "well"), ("study1", "study2"), False),
        (("ill", "well"), ("001", "002"), False),
        (("ill", "well"), ("p1/study1", "p2/study2"), False),
    ],
)
def test_levels_that_only_count_raise_no_question(
    tmp_path: Path, tops: tuple[str, str], inner: tuple[str, str], asked: bool
) -> None:
    tree(tmp_path, *(f"{top}/{kind}/{n}.png" for top in tops for kind in inner for n in range(2)))
    if asked:
        with pytest.raises(BadInput, match="Two levels of folders may be the classes"):
            index(tmp_path)
    else:
        assert index(tmp_path).class_names == ("ill", "well")


@pytest.mark.parametrize("pattern", ["chest_{}", "{} chest", "{}_224", "0-{} Set", "{}Images"])
def test_splits_that_say_more(tmp_path: Path, pattern: str) -> None:
    for split in ("Train", "Val", "Test"):
        tree(tmp_path / pattern.format(split), "A/1.png", "B/1.png")
    dataset = index(tmp_path)
    assert counts(dataset) == {
        (kind, split): 1 for kind in "AB" for split in ("train", "validation", "test")
    }


def test_a_split_without_the_training_part_is_asked_about(tmp_path: Path) -> None:
    tree(tmp_path, "development/A/1.png", "development/B/1.png", "test/A/2.png", "test/B/2.png")
    with pytest.raises(BadInput, match=r"the test part, and none .* lie 'development'\. Call"):
        index(tmp_path)
    only = tree(tmp_path / "only", "test/A/1.png", "test/B/1.png")
    assert counts(index(only)) == {("A", "test"): 1, ("B", "test"): 1}


def test_a_folder_of_images_beside_others_is_asked_about(tmp_path: Path) -> None:
    for copy in ("original", "augmented"):
        tree(tmp_path / copy, "NORMAL/1.png", "ILL/2.png")
    with pytest.raises(BadInput, match=r"'original' is named .* beside it: 'augmented'\. Give one"):
        index(tmp_path)
    assert len(index(tmp_path, classes="NORMAL,ILL").samples) == 2, "those of the first level"
    tree(tmp_path / "plain", "A/1.png", "B/1.png", "images/2.png")
    assert counts(index(tmp_path / "plain")) == {("A", ""): 1, ("B", ""): 1}


def test_an_empty_folder_among_the_classes_is_named(tmp_path: Path) -> None:
    tree(tmp_path, "A/1.png", "B/1.png", "C/.DS_Store")
    (tmp_path / "D").mkdir()
    assert "Folders without any image: 'C' (0 files), 'D' (0 files)." in told(index(tmp_path))


def test_a_set_that_is_called_as_masks_are_keeps_its_images(tmp_path: Path) -> None:
    names = [f"{place}_{n}_{n % 2}.png" for n in range(1000, 1004) for place in ("CHNCXR",)]
    root = tmp_path / "Lung Segmentation"
    tree(root, *(f"CXR_png/{name}" for name in names))
    tree(root, *(f"masks/{name[:-4]}_mask.png" for name in names))
    dataset = index(tmp_path)
    assert counts(dataset) == {("normal", ""): 2, ("tuberculosis", ""): 2}
    assert "being masks by their names: 4 files (Lung Segmentation/masks)" in told(dataset)


def test_folders_of_segmentations_are_no_classes(tmp_path: Path) -> None:
    tree(tmp_path, *numbered("imagesTr/{}.png"), *numbered("labelsTr/{}.png"))
    with pytest.raises(BadInput, match="no images in class folders"):
        index(tmp_path)
    tree(tmp_path / "a", "A/1.png", "A/1-label.png", "B/2.png")
    assert len(index(tmp_path / "a").samples) == 2


def test_folders_that_may_be_patients_below_the_classes_are_asked_about(tmp_path: Path) -> None:
    tree(tmp_path, *(f"{'AB'[n % 2]}/{4711 + n}/{view}.png" for n in range(8) for view in range(2)))
    dataset = index(tmp_path)
    assert "Say which, as 'patients=folder:2' for 'A/4711/0.png'" in told(dataset)
    assert len({sample.patient for sample in index(tmp_path, patients="folder:2").samples}) == 8
