from __future__ import annotations

import time

import numpy as np

from zoo import Dataset, Sample
from zoo.checks.findings import ERROR, NOTE, WARNING
from zoo.checks.quick import quick
from zoo.data.verify import Verified


def verified(*rows: tuple[str, int, str, str], **digests: str) -> Verified:
    """Images of (name, label, patient, split); each has a content of its own unless given."""

    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        raise AssertionError("the quick check reads no image")

    samples = tuple(Sample(*row) for row in rows)
    dataset = Dataset(
        source="here",
        class_names=("NORMAL", "PNEUMONIA"),
        samples=samples,
        read=read,
        digest=lambda sample: sample.name,
    )
    return Verified(dataset, {s.name: digests.get(s.name, s.name) for s in samples}, ())


def balanced(part: str, number: int, prefix: str) -> list[tuple[str, int, str, str]]:
    return [(f"{prefix}{n}", n % 2, f"{prefix}p{n // 4}", part) for n in range(number)]


def test_a_sound_set_has_no_findings() -> None:
    rows = [
        *balanced("train", 200, "a"),
        *balanced("validation", 60, "b"),
        *balanced("test", 60, "c"),
    ]
    assert quick(verified(*rows)) == []


def test_everything_that_was_planted_is_found() -> None:
    more = [(f"x{n}", 1, f"xp{n}", "train") for n in range(400)]
    rows = [*balanced("train", 300, "a"), *balanced("validation", 10, "b"), *more]
    rows += [*balanced("test", 60, "c"), ("leak", 1, "ap7", "test")]
    planted = {"a3": "1", "c5": "1", "a6": "2", "a7": "2", "a8": "3", "a10": "3"}
    found = quick(verified(*rows, **planted))
    assert [(f.level, f.kind) for f in found] == [
        (ERROR, "patients in two parts"),
        (WARNING, "small validation"),
        (NOTE, "imbalance"),
        (ERROR, "duplicates between parts"),
        (ERROR, "duplicates with different labels"),
        (NOTE, "duplicates"),
    ]
    groups = {f.kind: f.groups for f in found}
    assert groups["patients in two parts"] == (("a28", "a29", "a30", "a31", "leak"),)
    assert groups["duplicates between parts"] == (("a3", "c5"),)
    assert groups["duplicates with different labels"] == (("a6", "a7"),)
    assert groups["duplicates"] == (("a8", "a10"),)


def test_a_source_without_parts_cannot_leak_between_them() -> None:
    rows = balanced("", 100, "a")
    (finding,) = quick(verified(*rows, a1="same", a5="same"))
    assert (finding.level, finding.kind) == (NOTE, "duplicates")


def test_100_000_images_take_seconds() -> None:
    rows = [*balanced("train", 80_000, "a"), *balanced("test", 20_000, "c")]
    many = verified(*rows, a1="same", c1="same")
    start = time.process_time()
    assert len(quick(many)) == 1
    assert time.process_time() - start < 3
