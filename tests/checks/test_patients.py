from __future__ import annotations

import numpy as np

from zoo import Dataset, Sample
from zoo.checks import patients
from zoo.checks.findings import ERROR, NOTE


def indexed(*rows: tuple[str, str, str]) -> Dataset:
    """An index of (name, patient, split)."""

    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        raise AssertionError("patients need no pixels")

    return Dataset(
        source="here",
        class_names=("a", "b"),
        samples=tuple(Sample(name, 0, patient, split) for name, patient, split in rows),
        read=read,
        digest=lambda sample: sample.name,
        patient_rule="kermany",
    )


def test_a_planted_patient_leak_is_an_error_with_the_images_of_both_parts() -> None:
    dataset = indexed(
        ("1", "ann", "train"),
        ("2", "ann", "train"),
        ("3", "bob", "train"),
        ("4", "eve", "validation"),
        ("5", "ann", "test"),
        ("6", "bob", "test"),
        ("7", "cy", "test"),
    )
    (finding,) = patients.overlap(dataset)
    assert finding.level == ERROR
    assert finding.groups == (("1", "2", "5"), ("3", "6"))
    assert "2 patients in both the train and the test part, such as 'ann'" in finding.message
    assert "kermany" in finding.message


def test_each_pair_of_parts_is_a_finding_of_its_own() -> None:
    dataset = indexed(("1", "ann", "train"), ("2", "ann", "validation"), ("3", "ann", "test"))
    assert [f.groups for f in patients.overlap(dataset)] == [
        (("1", "2"),),
        (("1", "3"),),
        (("2", "3"),),
    ]


def test_patients_inside_a_part_or_without_parts_do_not_leak() -> None:
    assert patients.overlap(indexed(("1", "ann", "train"), ("2", "ann", "train"))) == []
    assert patients.overlap(indexed(("1", "ann", ""), ("2", "ann", ""))) == []
    assert patients.overlap(indexed(("1", "ann", "train"), ("2", "ann", ""))) == []


def test_unknown_patients_are_a_note() -> None:
    (finding,) = patients.unknown(indexed(("1", "1", "train"), ("2", "2", "test")))
    assert finding.level == NOTE
    assert patients.unknown(indexed(("1", "ann", "train"), ("2", "2", "test"))) == []
