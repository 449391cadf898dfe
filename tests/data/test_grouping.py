"""Every image is in one group, and the bands hold what they say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import Dataset, InvalidSetting, Sample, UnknownName
from zoo.data.grouping import Grouping, check_column, group_samples, group_texts, prefix

CELLS = st.lists(
    st.one_of(
        st.sampled_from(["AP", "PA", "", "nan", "045Y", "1.5", "1e400", "-3", "inf", "\u0663"]),
        st.floats().map(str),
        st.integers(0, 200).map(str),
        st.text(max_size=5),
    ),
    max_size=60,
)


def dataset(*names: str, **columns: dict[str, str]) -> Dataset:
    def never(*_: object) -> None:
        raise AssertionError("no image is needed")

    return Dataset(
        source="a.csv",
        class_names=("a", "b"),
        samples=tuple(Sample(name, 0, name) for name in names),
        read=never,
        digest=never,
        attributes={c: lambda sample, of=of: of.get(sample.name, "") for c, of in columns.items()},
    )


@given(st.sampled_from(["view", "age", "Patient Age"]), CELLS)
def test_groups_partition_the_images(column: str, cells: list[str]) -> None:
    try:
        made = group_texts(column, cells)
    except InvalidSetting:
        assert len(set(cells)) > 20
        return
    assert len(made.of_image) == len(cells)
    assert set(made.of_image) - {""} == set(made.order)
    assert len(set(made.order)) == len(made.order) <= 20
    by_text: dict[str, str] = {}
    for cell, group in zip(cells, made.of_image, strict=True):
        assert by_text.setdefault(cell.strip(), group) == group, "equal cells, one group"
        assert not (group and not cell.strip()), "an empty cell has no group"


@given(st.lists(st.floats(0, 120), min_size=1, max_size=40))
def test_ages_are_in_the_band_that_says_so(ages: list[float]) -> None:
    ages = [round(age, 3) for age in ages]
    made = group_texts("age", [f"{age:.3f}" for age in ages])
    for age, group in zip(ages, made.of_image, strict=True):
        low, _, high = group.rstrip("+").partition("-")
        assert int(low) <= math.floor(age) <= (int(high) if high else 120)
    assert list(made.order) == sorted(
        made.order, key=lambda name: int(name.split("-")[0].rstrip("+"))
    )


def test_ages_as_they_are_written() -> None:
    cells = ["045Y", "11M", "030M", "3d", "40 ", "65", "64.9", "", "411"]
    made = group_texts("PatientAge", [*cells, *cells, "old"])
    known = ("40-64", "0-1", "2-5", "0-1", "40-64", "65+", "40-64", "", "")
    assert made.of_image == (*known, *known, "")
    assert made.order == ("0-1", "2-5", "40-64", "65+")
    assert made.notes == (
        "3 cells of 'PatientAge' are not an age from 0 to 120 and count as unknown.",
    )
    bands = group_texts("age", ["18-39", "65+", "18-39"])
    assert bands.order == ("18-39", "65+"), "bands that the table has are taken as they are"
    assert group_texts("stage", ["1", "30", "2"]).order == ("1", "2", "30"), "a stage is no age"
    assert group_texts("dosage", [str(n) for n in range(100)]).order[0] == "0 to 24"


@given(st.lists(st.floats(-1e9, 1e9), min_size=9, max_size=80, unique=True))
def test_quartile_bands_are_named_by_what_is_in_them(values: list[float]) -> None:
    made = group_texts("dose", [repr(value) for value in values])
    ends = []
    for name in made.order:
        inside = [v for v, group in zip(values, made.of_image, strict=True) if group == name]
        assert name.startswith(f"{min(inside):.15g}")
        assert name.endswith(f"{max(inside):.15g}")
        ends += [min(inside), max(inside)]
    assert ends == sorted(ends), "from low to high, without overlap"
    assert 2 <= len(made.order) <= 4
    counts = [made.of_image.count(name) for name in made.order]
    assert max(counts) <= math.ceil(len(values) / 4) + 1


def test_few_numbers_are_codes() -> None:
    assert group_texts("scanner", [str(n % 3) for n in range(99)]).order == ("0", "1", "2")
    many_ties = group_texts("dose", ["0"] * 90 + [str(n) for n in range(10)])
    assert many_ties.order == ("0", "1 to 9")
    assert group_texts("dose", [*map(str, range(20)), "low"]).of_image[-1] == ""
    assert group_texts("size", ["10", "2", "big", "2"]).order == ("2", "10", "big")
    nearly = group_texts("dose", [*map(str, range(9)), "a", "b"])
    assert nearly.order[-2:] == ("a", "b"), "too many words for a column of numbers"


def test_too_many_values_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="21 different values among 21 images"):
        group_texts("patient", [f"p{n}" for n in range(21)])
    assert len(group_texts("site", [f"s{n}" for n in range(20)]).order) == 20


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train/PNEUMONIA/person1_bacteria_2.jpeg", "person"),
        ("BACTERIA-1234-0001.jpeg", "BACTERIA"),
        ("a\\NORMAL2-IM-0001.png", "NORMAL"),
        ("00001280_004.png", ""),
        ("_a.png", ""),
        ("Größe.png", "Größe"),
    ],
)
def test_prefixes(name: str, expected: str) -> None:
    assert prefix(name) == expected


def test_a_column_comes_before_the_rule_and_an_unknown_one_is_refused() -> None:
    data = dataset("IM-1.png", "person1.png", "7.png", view={"IM-1.png": "AP"})
    assert group_samples(data, data.samples, "view").of_image == ("AP", "", "")
    assert group_samples(data, data.samples, "prefix") == Grouping(
        "prefix", ("IM", "person", ""), ("IM", "person")
    )
    own = replace(data, attributes={"prefix": lambda sample: "Dr"})
    assert group_samples(own, own.samples, "prefix").order == ("Dr",)
    with pytest.raises(
        UnknownName, match=r"no column 'veiw' in 'a.csv'. Columns: view. .*'prefix'"
    ):
        check_column(data, "veiw")
    with pytest.raises(UnknownName, match="Columns: none"):
        check_column(dataset("a.png"), "view")


def test_nothing_is_made_of_nothing() -> None:
    assert group_texts("age", ["", "NA"]) == Grouping("age", ("", ""), ())
    assert np.all(np.array(group_texts("site", ["?", "a"]).of_image) == ["", "a"])
