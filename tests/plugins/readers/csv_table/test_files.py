from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.readers.csv_table.files import Located, locate, root_of
from zoo import BadInput


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def found(root: Path, *texts: str, mode: str = "") -> Located:
    return locate(texts, root, mode)


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.png", "b/1.png")
    located = found(tmp_path, "a/1.png", "b\\1.png", str(tmp_path / "a" / "1.png"))
    assert list(located.of_text.values()) == [
        ("a/1.png",),
        ("b/1.png",),
        ("a/1.png",),
    ]
    assert located.note == ""


@pytest.mark.parametrize("before", ["C:\\data\\films\\", "/home/other/data/", "x/../y/"])
def test_paths_of_another_machine_are_found_by_their_ends(tmp_path: Path, before: str) -> None:
    tree(tmp_path, *(f"set/p{n}/view1.png" for n in range(3)))
    texts = [f"{before}p{n}/view1.png" for n in range(3)]
    located = found(tmp_path, *texts)
    assert [located.of_text[text] for text in texts] == [(f"set/p{n}/view1.png",) for n in range(3)]
    assert located.note.startswith("3 of 3 images are not where the table says, such as ")


def test_a_missing_image_is_not_replaced_by_that_of_another_row(tmp_path: Path) -> None:
    tree(tmp_path, "test/a.png")
    located = found(tmp_path, "train/a.png", "test/a.png")
    assert located.of_text == {"train/a.png": ("train/a.png",), "test/a.png": ("test/a.png",)}


def test_bare_names_lie_anywhere_and_endings_may_differ(tmp_path: Path) -> None:
    uid = "1.2.840.99.878027"
    tree(tmp_path, "images_001/a.png", "images_002/b.PNG", f"x/{uid}.dcm", "c.jpeg", "c.txt")
    located = found(tmp_path, "a.png", "b.png", uid, "c.png", "missing.png")
    assert [names[0] for names in located.of_text.values()] == [
        "images_001/a.png", "images_002/b.PNG", f"x/{uid}.dcm", "c.jpeg", "missing.png",
    ]  # fmt: skip
    assert located.note == "", "the table says no folder"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("7", "007.png"),  # a spreadsheet took it for a number
        ("7.0", "007.png"),
        ("7.png", "007.png"),
        ("film 1.png", "film_1.png"),
        ("a/film%201.png", "a/film 1.png"),
        (
            unicodedata.normalize("NFD", "Thorax_ä.png"),
            unicodedata.normalize("NFC", "Thorax_ä.png"),
        ),
        (unicodedata.normalize("NFC", "ä/1.png"), unicodedata.normalize("NFD", "ä/1.png")),
    ],
)
def test_names_that_other_programs_wrote_otherwise(tmp_path: Path, text: str, name: str) -> None:
    tree(tmp_path, name, "other.png")
    located = found(tmp_path, text)
    assert located.of_text == {text: (name,)}


def test_a_name_that_is_there_goes_before_one_that_is_like_it(tmp_path: Path) -> None:
    tree(tmp_path, "a/007.png")
    assert found(tmp_path, "007", "7").of_text == {"007": ("a/007.png",), "7": ("7",)}
    tree(tmp_path, "a/07.png")
    assert found(tmp_path, "7").of_text == {"7": ("7",)}, "either may be meant"


def test_a_row_may_name_a_folder(tmp_path: Path) -> None:
    tree(tmp_path, "files/p1/s1/1.png", "files/p1/s1/2.png", "files/p1/s2/1.png")
    assert found(tmp_path, "p1/s1").of_text["p1/s1"] == ("files/p1/s1/1.png", "files/p1/s1/2.png")
    assert len(found(tmp_path, "files").of_text["files"]) == 3


def test_names_that_fit_several_images_are_refused(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.png", "b/1.png")
    with pytest.raises(BadInput, match=r"2 images called '1\.png': a/1\.png, b/1\.png"):
        found(tmp_path, "1.png")
    with pytest.raises(BadInput, match="2 images called"):
        found(tmp_path, "x/1.png")


def test_by_path_nothing_is_looked_for(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.png")
    assert found(tmp_path, "1.png", mode="path").of_text == {"1.png": ("1.png",)}


NAMES = st.lists(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple),
    min_size=1,
    max_size=6,
    unique=True,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=NAMES, before=st.lists(st.sampled_from("xy"), max_size=2))
def test_a_whole_set_that_was_moved_is_found_or_refused(
    tmp_path_factory: pytest.TempPathFactory, names: list[tuple[str, ...]], before: list[str]
) -> None:
    root = tmp_path_factory.mktemp("set")
    paths = ["/".join((*folders, f"{number}.png")) for number, folders in enumerate(names)]
    tree(root, *paths)
    moved = ["/".join((*before, path)) for path in paths]
    assert locate(moved, root, "").of_text == {
        text: (path,) for text, path in zip(moved, paths, strict=True)
    }


def test_a_table_may_lie_in_a_folder_of_its_own() -> None:
    assert root_of(Path("set/derivatives/labels/a.csv")) == Path("set")
    assert root_of(Path("set/a.csv")) == Path("set")
