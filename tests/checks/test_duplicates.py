from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from zoo import Dataset, Sample
from zoo.checks import duplicates
from zoo.checks.duplicates import Place, copies
from zoo.checks.findings import ERROR, NOTE
from zoo.checks.similarity import small_pictures
from zoo.checks.source_images import SourceImages


def place(name: str, label: str = "a", part: str = "") -> Place:
    return Place(name, label, part)


def exact(places: Sequence[Place], digests: str) -> dict[str, tuple[str, tuple]]:
    return {f.kind: (f.level, f.groups) for f in duplicates.exact(places, list(digests))}


def test_copies_inside_one_part_and_class_are_a_note() -> None:
    found = exact([place(n, part="train") for n in "12345"], "xyxxz")
    assert found == {"duplicates": (NOTE, (("1", "3", "4"),))}
    (finding,) = duplicates.exact([place(n) for n in "12345"], list("xyxxz"))
    assert "1 group of identical images (2 surplus)" in finding.message


def test_a_planted_copy_in_another_part_is_an_error() -> None:
    places = [place("1", part="train"), place("2", part="test"), place("3", part="test")]
    assert exact(places, "xxy") == {"duplicates between parts": (ERROR, (("1", "2"),))}
    (finding,) = duplicates.exact(places, list("xxy"))
    assert "(test and train)" in finding.message


def test_a_copy_under_another_label_is_an_error_also_inside_a_part() -> None:
    places = [place("1", "a"), place("2", "b"), place("3", "b"), place("4", "b")]
    assert exact(places, "xxyy") == {
        "duplicates with different labels": (ERROR, (("1", "2"),)),
        "duplicates": (NOTE, (("3", "4"),)),
    }


def test_a_copy_may_be_both() -> None:
    places = [place("1", "a", "train"), place("2", "b", "test")]
    assert set(exact(places, "xx")) == {
        "duplicates between parts",
        "duplicates with different labels",
    }


def test_what_the_source_does_not_divide_is_in_no_part() -> None:
    assert set(exact([place("1"), place("2", part="train")], "xx")) == {"duplicates"}


@pytest.mark.parametrize(
    ("pairs", "groups"),
    [
        ([], []),
        ([(0, 1), (2, 3)], [[0, 1], [2, 3]]),
        ([(0, 1), (2, 3), (1, 2)], [[0, 1, 2, 3]]),
        ([(4, 5), (0, 5), (5, 4), (1, 2)], [[0, 4, 5], [1, 2]]),
    ],
)
def test_pairs_that_share_an_image_are_one_group(
    pairs: list[tuple[int, int]], groups: list[list[int]]
) -> None:
    assert duplicates.connected(pairs) == groups


def material(rows: Sequence[tuple[str, int, str, int]], source: str = "") -> SourceImages:
    """Images of (name, label, split, number of the picture); negative ones are re-encoded."""

    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        number = by_name[sample.name]
        random = np.random.default_rng(abs(number))
        coarse = random.integers(0, 200, (12, 12, 3), np.uint8)
        image = Image.fromarray(coarse).convert("L").convert("RGB").resize((64, 64))
        return np.asarray(image) + np.uint8(3 if number < 0 else 0)

    by_name = {name: number for name, _, _, number in rows}
    samples = tuple(Sample(name, label, name, split) for name, label, split, _ in rows)
    dataset = Dataset(
        source="here", class_names=("a", "b"), samples=samples, read=read, digest=lambda sample: ""
    )
    digests = tuple(str(number) for *_, number in rows)
    return SourceImages(dataset, digests, small_pictures(dataset, samples), None, source)


def test_identical_and_nearly_identical_images_are_told_apart() -> None:
    numbers, findings = copies(
        material(
            [
                ("1", 0, "train", 1),
                ("2", 0, "train", 1),
                ("3", 0, "train", 2),
                ("4", 0, "test", -2),
                ("5", 1, "train", 3),
            ]
        ),
        None,
    )
    assert numbers == {"exact_groups": 1, "surplus": 1, "near_pairs": 1, "pairs": 2}
    assert {f.kind: f.groups for f in findings} == {
        "duplicates": (("1", "2"),),
        "near duplicates between parts": (("3", "4"),),
    }


def test_a_near_duplicate_of_an_image_is_one_of_all_its_copies() -> None:
    _, findings = copies(
        material([("1", 0, "train", 1), ("2", 0, "test", 1), ("3", 0, "test", -1)]), None
    )
    near = next(f for f in findings if f.kind == "near duplicates between parts")
    assert near.groups == (("1", "2", "3"),)


def test_an_image_that_is_also_in_the_other_source_is_an_error() -> None:
    own = material([("1", 0, "", 1), ("2", 0, "", 2), ("3", 0, "", 3)])
    other = material([("1", 0, "", 1), ("2", 0, "", -3), ("3", 0, "", 9)], source="abroad")
    numbers, findings = copies(own, other)
    assert numbers == {"exact_groups": 0, "surplus": 0, "near_pairs": 0, "pairs": 0}
    assert {f.kind: (f.level, f.groups) for f in findings} == {
        "duplicates between parts": (ERROR, (("1", "abroad: 1"),)),
        "near duplicates between parts": (ERROR, (("3", "abroad: 2"),)),
    }
