"""What may be asked for of devices, and what is said of what cannot be had."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.base.errors import InvalidSetting
from zoo.training import devices

CARDS = ("GPU:0", "GPU:1", "GPU:2")


@pytest.fixture
def cards(monkeypatch):
    monkeypatch.setattr(devices, "available", lambda: CARDS)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1", CARDS[:1]),
        ("2", CARDS[:2]),
        ("all", CARDS),
        ("0,2", ("GPU:0", "GPU:2")),
        ("2,0", ("GPU:2", "GPU:0")),
        ("1,", ("GPU:1",)),
    ],
)
def test_a_number_is_how_many_and_a_list_is_which(cards, text, wanted):
    assert devices.chosen(text) == wanted


@pytest.mark.parametrize("text", ["4", "0,3", "9999"])
def test_what_is_not_there_is_refused_with_what_is(cards, text):
    with pytest.raises(InvalidSetting) as refused:
        devices.chosen(text)
    assert f"'{text}'" in str(refused.value)
    assert "there are 3: GPU:0, GPU:1, GPU:2" in str(refused.value)


def test_of_a_single_one_it_is_said_that_it_is_one(monkeypatch):
    monkeypatch.setattr(devices, "available", lambda: ("CPU:0",))
    with pytest.raises(InvalidSetting, match="there is 1: CPU:0"):
        devices.chosen("2")


@pytest.mark.parametrize("text", ["", "0", "-1", "two", "1.5", ",", "0,0", "1,,2", "٣", "0;1"])
def test_what_is_no_number_and_no_list_is_refused(text):
    with pytest.raises(InvalidSetting, match="expected how many, 'all'"):
        devices.asked_for(text)


@given(st.lists(st.integers(0, 9999), min_size=2, unique=True))
def test_a_list_is_read_as_it_is_written(numbers):
    assert devices.asked_for(",".join(map(str, numbers))) == tuple(numbers)


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text):
    try:
        read = devices.asked_for(text)
    except InvalidSetting:
        return
    assert text == "all" if read is None else read


@pytest.mark.parametrize(
    ("flags", "units"),
    [
        ("fpu avx2 amx_bf16 amx_tile", True),
        ("fpu avx512_bf16", True),
        ("avx512f", False),
        ("", False),
    ],
)
def test_a_processor_has_units_for_16_bits_when_it_says_so(monkeypatch, tmp_path, flags, units):
    told = tmp_path / "cpuinfo"
    told.write_text(f"processor\t: 0\nmodel name\t: Some\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
    monkeypatch.setattr(devices, "PROCESSOR", told)
    assert devices.has_bfloat16("CPU:0") is units
    assert devices.description("CPU:0") == "Some"
    monkeypatch.setattr(devices, "PROCESSOR", tmp_path / "none")
    assert not devices.has_bfloat16("CPU:0")
    assert devices.description("CPU:0") == "CPU:0"
