from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo import BadInput, Images
from zoo.base.progress import Silent
from zoo.data import queries
from zoo.data.queries import Skipped

Picture = Callable[..., Path]
SHAPE = (32, 40, 3)


def read(
    files: list[Path], rule: str = "none", batch_size: int = 4
) -> list[tuple[Images | None, list[Skipped]]]:
    return list(queries.read_images(files, SHAPE, rule, batch_size))


def test_files_are_kept_in_order_and_folders_searched(picture: Picture, tmp_path: Path) -> None:
    first, second = picture("folder/b.png"), picture("folder/deep/a.png")
    single = picture("z.png")
    (tmp_path / "folder" / "notes.txt").write_text("not an image")
    picture("folder/.hidden.png")
    assert queries.find_images([str(single), tmp_path / "folder"]) == [single, first, second]


def test_a_named_file_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    odd = tmp_path / "scan"
    odd.write_bytes(b"")
    assert queries.find_images([odd]) == [odd]


def test_what_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file or folder"):
        queries.find_images(["x" * 300 + ".png"])
    with pytest.raises(BadInput, match="no file or folder"):
        queries.find_images([tmp_path / "nowhere.png"])
    with pytest.raises(BadInput, match="has no images"):
        queries.find_images([tmp_path])


def test_batches_hold_pixels_names_and_contents(picture: Picture) -> None:
    files = [picture(f"{n}.png", seed=n % 3) for n in range(6)]
    batches = read(files)
    assert [len(images.names) for images, _ in batches if images] == [4, 2]
    first = batches[0][0]
    assert first is not None
    assert first.pixels.shape == (4, *SHAPE)
    assert first.names == tuple(map(str, files[:4]))
    assert first.digests[0] == first.digests[3] != first.digests[1]


def test_the_shape_of_each_picture_before_it_was_squashed_is_kept(picture: Picture) -> None:
    files = [picture("wide.png", size=(30, 60)), picture("tall.png", size=(50, 20))]
    ((images, _),) = read(files)
    assert images is not None
    assert images.shapes == ((30, 60), (50, 20))


def test_one_channel_when_the_network_takes_one(picture: Picture) -> None:
    ((images, _),) = list(queries.read_images([picture("a.png")], (32, 32, 1), "none", 4))
    assert images is not None
    assert images.pixels.shape == (1, 32, 32, 1)


def test_patients_are_found_by_the_rule_of_the_run(picture: Picture) -> None:
    files = [picture("person7_virus_12.png"), picture("holiday.png", seed=1)]
    ((images, _),) = read(files, rule="kermany")
    assert images is not None
    assert images.patients == ("virus-7", None)
    for rule in ("none", "column", "a rule of tomorrow"):
        ((images, _),) = read(files, rule=rule)
        assert images is not None
        assert images.patients == (None, None)


def test_broken_files_among_others_are_skipped_with_their_reason(
    picture: Picture, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(picture("whole.png").read_bytes()[:300])
    files = [picture("0.png"), broken, *(picture(f"{n}.png", seed=n) for n in range(1, 4))]
    batches = read(files, batch_size=2)
    assert [len(skipped) for _, skipped in batches] == [1, 0, 0]
    skipped = batches[0][1][0]
    assert skipped.name == str(broken)
    assert "broken.png" in skipped.reason
    assert sum(len(images.names) for images, _ in batches if images) == 4


def test_a_single_broken_file_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    with pytest.raises(BadInput, match=r"broken\.png"):
        read([broken])


def test_nothing_but_broken_files_is_an_error(tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.png" for n in range(3)]
    for file in files:
        file.write_bytes(b"nothing")
    with pytest.raises(BadInput, match="None of the 3 files"):
        read(files, batch_size=1)


def test_what_a_folder_holds_beside_images_is_told(picture: Picture, tmp_path: Path) -> None:
    told: list[str] = []

    class Listener(Silent):
        def note(self, message: str) -> None:
            told.append(message)

    image = picture("folder/a.png")
    (tmp_path / "folder" / "scan.nii").write_bytes(b"0")
    assert queries.find_images([tmp_path / "folder"], Listener()) == [image]
    assert told == [f"{tmp_path / 'folder'}: Left out: 1 files that are not images (.nii)."]


def test_patients_are_found_by_the_runs_rule_unless_it_counts_from_the_datas_root(
    picture: Picture,
) -> None:
    file = picture("patient7/study1/a.png")
    for rule, patient in (
        ("folder", "patient7"),
        ("folder:-2", "patient7"),
        (r"patient(\d+)", "7"),
        ("folder:2", None),
        ("a column", None),
    ):
        images = read([file], rule)[0][0]
        assert images is not None
        assert images.patients == (patient,), rule
