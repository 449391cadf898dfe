from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plugins.readers.image_folder import zoo_read_dataset
from zoo import BadInput, Dataset, UnknownName

REAL = Path(__file__).parents[4] / "shared" / "data" / "chest_xray"


def tree(root: Path, *names: str) -> Path:
    """Make empty files: indexing opens none of them."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def index(root: Path, **options: str) -> Dataset:
    dataset = zoo_read_dataset(str(root), options)
    assert dataset is not None
    return dataset


def test_other_locations_are_declined(tmp_path: Path) -> None:
    tree(tmp_path, "a.csv")
    for location in (str(tmp_path / "a.csv"), str(tmp_path / "none"), "phantom", "", "a\0b"):
        assert zoo_read_dataset(location, {}) is None


def test_splits_and_classes(tmp_path: Path) -> None:
    tree(
        tmp_path,
        *(f"{s}/{c}/{n}.png" for s in ("Train", "VAL", "test") for c in "BA" for n in "21"),
    )
    dataset = index(tmp_path)
    assert dataset.class_names == ("A", "B")
    assert [s.name for s in dataset.samples] == sorted(s.name for s in dataset.samples)
    assert dataset.samples[0].name == "Train/A/1.png"
    splits = {sample.name.split("/")[0]: sample.split for sample in dataset.samples}
    assert splits == {"Train": "train", "VAL": "validation", "test": "test"}
    assert all(sample.label == "AB".index(sample.name.split("/")[1]) for sample in dataset.samples)


def test_one_level_of_classes_has_no_splits(tmp_path: Path) -> None:
    tree(tmp_path, "dog/deep/er/1.png", "dog/2.JPG", "cat/1.png")
    dataset = index(tmp_path)
    assert [(s.name, s.label, s.split) for s in dataset.samples] == [
        ("cat/1.png", 0, ""),
        ("dog/2.JPG", 1, ""),
        ("dog/deep/er/1.png", 1, ""),
    ]


def test_classes_called_like_splits_are_classes_when_they_hold_images(tmp_path: Path) -> None:
    assert index(tree(tmp_path, "test/1.png", "control/1.png")).class_names == ("control", "test")


def test_the_doubled_folder_of_an_archive_is_stepped_through(tmp_path: Path) -> None:
    tree(tmp_path, "x/x/train/A/1.png", "x/x/train/B/1.png", "x/__MACOSX/x/._1.png")
    assert [s.name for s in index(tmp_path).samples] == ["x/x/train/A/1.png", "x/x/train/B/1.png"]


def test_a_copy_beside_the_splits_is_left_out_and_named(tmp_path: Path) -> None:
    tree(tmp_path, "train/A/1.png", "train/B/1.png", "chest/train/A/1.png", "chest/train/B/1.png")
    dataset = index(tmp_path)
    assert len(dataset.samples) == 2
    assert any("chest/" in note for note in dataset.notes)


def test_clutter_is_left_out_and_said(tmp_path: Path) -> None:
    tree(tmp_path, "A/1.png", "B/1.png", "A/.DS_Store", "A/Thumbs.db", "A/.1.png", ".git/x.png")
    assert "4 hidden or of the system" in index(tmp_path).notes[-1]
    tree(tmp_path, "A/readme.txt", "B/labels.csv")
    tree(tmp_path, "@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg", "A/._1.png", "A/dicomdir")
    note = index(tmp_path).notes[-1]
    assert note.startswith("Left out: 3 files that are not images (")
    assert all(ending in note for ending in (".txt", ".csv", "no ending"))
    assert "6 hidden or of the system" in note


def test_patients_are_found_and_can_be_chosen(tmp_path: Path) -> None:
    tree(tmp_path, "P/person1_virus_6.jpeg", "P/person1_virus_7.jpeg", "N/IM-0001-0001.jpeg")
    dataset = index(tmp_path)
    assert dataset.patient_rule == "kermany"
    assert [s.patient for s in dataset.samples] == ["IM-0001", "virus-1", "virus-1"]
    assert dataset.notes == ("2 patients recognised by the 'kermany' rule.",)
    assert index(tmp_path, patients="none").samples[0].patient == "N/IM-0001-0001.jpeg"


def test_classes_can_be_chosen_and_ordered(tmp_path: Path) -> None:
    dataset = index(tree(tmp_path, "A/1.png", "B/1.png", "C/1.png"), classes="C,A")
    assert dataset.class_names == ("C", "A")
    assert [(s.name, s.label) for s in dataset.samples] == [("A/1.png", 1), ("C/1.png", 0)]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "no images in class folders"),
        (("1.png", "2.png"), "no images in class folders"),
        (("A/1.txt", "B/1.txt"), "no images in class folders"),
        (("A/1.png",), "Expected at least two"),
        (("train/A/1.png", "train/B/1.png", "test/A/1.png"), "'B' has no images in the test split"),
        (("train/A/1.png", "test/A/1.png", "test/B/1.png"), "'B' has no images in the train split"),
    ],
)
def test_unusable_folders_are_refused(tmp_path: Path, names: tuple[str, ...], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        index(tree(tmp_path, *names))


def test_unknown_options_are_refused(tmp_path: Path) -> None:
    tree(tmp_path, "A/1.png", "B/1.png")
    for options in ({"patient": "auto"}, {"patients": "kermani"}, {"classes": "A,x"}):
        with pytest.raises(UnknownName, match=r"Did you mean|Known"):
            index(tmp_path, **options)


def test_a_link_that_leads_back_ends(tmp_path: Path) -> None:
    tree(tmp_path, "A/1.png", "B/1.png")
    (tmp_path / "A" / "loop").symlink_to(tmp_path / "A", target_is_directory=True)
    (tmp_path / "A" / "up").symlink_to(tmp_path, target_is_directory=True)
    names = [s.name for s in index(tmp_path).samples]
    assert names.count("A/1.png") == 1
    assert len(names) == len(set(names))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_a_name_that_is_not_text_is_left_out(tmp_path: Path) -> None:
    tree(tmp_path, "A/1.png", "B/1.png")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/A/\xff.png")).touch()
    dataset = index(tmp_path)
    assert len(dataset.samples) == 2
    assert any("1 files whose names are not text" in note for note in dataset.notes)


def test_pixels_and_digests_are_read_on_demand_in_any_process(tmp_path: Path) -> None:
    tree(tmp_path, "A/empty.png", "B/gray.png")
    Image.fromarray(np.full((20, 30), 77, np.uint8)).save(tmp_path / "B" / "gray.png")
    dataset = index(tmp_path)
    empty, gray = dataset.samples
    pixels = pickle.loads(pickle.dumps(dataset.read))(gray, (10, 12))  # noqa: S301
    assert pixels.shape == (10, 12, 3)
    assert (pixels == 77).all()
    assert dataset.digest(empty) != dataset.digest(gray)
    assert dataset.header is not None
    header = pickle.loads(pickle.dumps(dataset.header))(gray)  # noqa: S301
    assert (header.width, header.height, header.mode) == (30, 20, "L")
    assert header.bytes == (tmp_path / "B" / "gray.png").stat().st_size
    with pytest.raises(BadInput, match=r"empty\.png"):
        dataset.read(empty, None)


def test_a_large_folder_is_indexed_fast(tmp_path: Path) -> None:
    tree(tmp_path, *(f"{c}/{n}.png" for c in "AB" for n in range(5_000)))
    start = time.process_time()
    assert len(index(tmp_path).samples) == 10_000
    assert time.process_time() - start < 3


def test_importing_the_readers_loads_neither_numpy_nor_pillow() -> None:
    code = (
        "import sys, plugins.readers.image_folder, plugins.readers.npz;"
        "import plugins.readers.csv_table, plugins.readers.phantom;"
        "print([m for m in ('numpy', 'PIL', 'scipy', 'keras') if m in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="the real X-rays are not on this machine")
def test_the_real_x_rays() -> None:
    dataset = index(REAL)
    splits = [sample.split for sample in dataset.samples]
    assert (splits.count("train"), splits.count("validation")) == (5_216, 16)
    assert dataset.class_names == ("NORMAL", "PNEUMONIA")
    assert sum(sample.label for sample in dataset.samples) == 3_875 + 8
    assert dataset.patient_rule == "kermany"
    people = {split: {s.patient for s in dataset.samples if s.split == split} for split in splits}
    assert (len(people["train"]), len(people["validation"])) == (3_654, 15)
    assert not people["train"] & people["validation"]
    assert dataset.read(dataset.samples[0], None).shape == (224, 224, 3)
