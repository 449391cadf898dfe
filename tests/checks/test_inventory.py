from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plugins.readers.image_folder import zoo_read_dataset
from zoo import Dataset, Header, Sample
from zoo.checks import inventory
from zoo.checks.findings import ERROR, NOTE, WARNING


def indexed(counts: dict[str, tuple[int, int]]) -> Dataset:
    """An index with that many images of two classes in each split."""

    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        raise AssertionError("counting needs no pixels")

    samples = tuple(
        Sample(f"{split}/{label}/{n}", label, f"{split}{label}{n}", split)
        for split, numbers in counts.items()
        for label, number in enumerate(numbers)
        for n in range(number)
    )
    return Dataset(
        source="here",
        class_names=("NORMAL", "PNEUMONIA"),
        samples=samples,
        read=read,
        digest=lambda sample: sample.name,
    )


def headers(*modes: str) -> Sequence[Header]:
    return [Header(10, 20, mode, 100) for mode in modes]


def test_images_are_counted_by_split_and_class() -> None:
    assert inventory.counts(indexed({"train": (3, 5), "test": (0, 2)})) == {
        "train": {"NORMAL": 3, "PNEUMONIA": 5},
        "test": {"NORMAL": 0, "PNEUMONIA": 2},
    }
    assert inventory.counts(indexed({"": (1, 1)})) == {"undivided": {"NORMAL": 1, "PNEUMONIA": 1}}


def test_headers_are_read_from_real_files_without_decoding(tmp_path: Path) -> None:
    for name, mode, size in (("A/a.png", "L", (30, 20)), ("B/b.png", "RGB", (40, 50))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new(mode, size).save(tmp_path / name)
    whole = (tmp_path / "B/b.png").read_bytes()
    (tmp_path / "B/b.png").write_bytes(whole[:60])  # the pixels are gone, the header is there
    dataset = zoo_read_dataset(str(tmp_path), {})
    assert dataset is not None
    found = inventory.headers(dataset, dataset.samples)
    assert found == [
        Header(30, 20, "L", (tmp_path / "A/a.png").stat().st_size),
        Header(40, 50, "RGB", 60),
    ]
    assert inventory.summary(found) == {
        "sizes": [
            {"width": 30, "height": 20, "images": 1},
            {"width": 40, "height": 50, "images": 1},
        ],
        "distinct_sizes": 2,
        "modes": {"L": 1, "RGB": 1},
    }


def test_images_that_are_not_files_have_no_headers() -> None:
    assert inventory.headers(indexed({"": (2, 2)}), ()) == []
    assert inventory.summary([]) == {"sizes": [], "distinct_sizes": 0, "modes": {}}


def test_the_ten_most_frequent_sizes_are_kept() -> None:
    found = [Header(side, 10, "L", 1) for side in range(20, 40) for _ in range(side)]
    summary = inventory.summary(found)
    assert [size["width"] for size in summary["sizes"]] == list(range(39, 29, -1))
    assert summary["distinct_sizes"] == 20


def test_exposure_gives_quartiles_by_class() -> None:
    means, labels = np.array([10.0, 20, 30, 40, 50, 90]), np.array([0, 0, 0, 0, 0, 1])
    found = inventory.exposure(means, labels, ("NORMAL", "PNEUMONIA", "OTHER"))
    assert list(found["NORMAL"].values()) == [10, 20, 30, 40, 50]
    assert set(found["PNEUMONIA"].values()) == {90}
    assert "OTHER" not in found


def test_unreadable_images_are_an_error_with_their_names() -> None:
    assert inventory.unreadable(()) == []
    (finding,) = inventory.unreadable(("'x/a.png' is cut short.", "'x/b.png' too."), ("a", "b"))
    assert (finding.level, finding.names) == (ERROR, ("a", "b"))
    assert "2 images cannot be read: 'x/a.png' is cut short." in finding.message
    assert "--skip-broken" in finding.remedy


@pytest.mark.parametrize(
    ("validation", "warned"), [((8, 8), True), ((19, 50), True), ((20, 50), False)]
)
def test_a_small_validation_part_is_a_warning(validation: tuple[int, int], warned: bool) -> None:
    findings = inventory.small_validation(indexed({"train": (9, 9), "validation": validation}))
    assert [f.level for f in findings] == [WARNING] * warned
    if warned:
        assert f"{min(validation)} of its smallest class" in findings[0].message


def test_without_a_validation_part_nothing_is_too_small() -> None:
    assert inventory.small_validation(indexed({"train": (9, 9)})) == []


def test_unequal_classes_are_a_note() -> None:
    assert inventory.imbalance(indexed({"": (10, 19)})) == []
    (finding,) = inventory.imbalance(indexed({"train": (1341, 3875)}))
    assert finding.level == NOTE
    assert "PNEUMONIA has 3,875 images, NORMAL 1,341" in finding.message
    assert "right for 74 %" in finding.message


def test_mixed_modes_are_a_note_and_a_warning_when_one_belongs_to_a_class() -> None:
    names = ("NORMAL", "PNEUMONIA")
    assert inventory.modes(headers("L", "L"), np.array([0, 1]), names) == []
    (note,) = inventory.modes(headers("L", "RGB", "L", "RGB"), np.array([0, 0, 1, 1]), names)
    assert note.level == NOTE
    (warning,) = inventory.modes(headers("L", "L", "RGB"), np.array([0, 1, 1]), names)
    assert warning.level == WARNING
    assert "L 2, RGB 1); all RGB are PNEUMONIA" in warning.message


def test_a_picture_of_one_gray_is_named() -> None:
    samples = [Sample(name, 0, name) for name in "abc"]
    assert inventory.flat(samples, np.array([40.0, 50, 60])) == []
    (finding,) = inventory.flat(samples, np.array([40.0, 0.5, 60]))
    assert finding.names == ("b",)
