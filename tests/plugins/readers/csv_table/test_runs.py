from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plugins.readers.csv_table.runs import are_runs, mask_of, resized


def written(mask: np.ndarray) -> str:
    """Write a mask as SIIM-ACR does: down the columns, skipped and marked pixels in turn."""
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(int)))
    lengths = np.diff(np.concatenate([[0], edges]))
    return " ".join(map(str, lengths)) if len(edges) else "-1"


@settings(max_examples=30)
@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 9))))
def test_what_is_written_is_read_back(mask: np.ndarray) -> None:
    text = written(mask)
    assert are_runs(text)
    height, width = mask.shape
    np.testing.assert_array_equal(mask_of((text,), (width, height)), mask)


def test_several_lines_are_joined_and_what_lies_outside_is_cut() -> None:
    joined = mask_of(("0 1", "-1", "", "3 100"), (2, 2))
    assert joined.tolist() == [[True, False], [False, True]]
    assert not mask_of(("1000 5",), (2, 2)).any()


@pytest.mark.parametrize("text", ["1", "1 2 3", "a b", "1 -2", "1.5 2", "1  2", "9999999999 1"])
def test_what_is_no_run(text: str) -> None:
    assert not are_runs(text)


@settings(max_examples=30)
@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))), st.integers(1, 4))
def test_a_mask_keeps_its_shape_when_resized(mask: np.ndarray, times: int) -> None:
    size = (mask.shape[0] * times, mask.shape[1] * times)
    larger = resized(mask, size)
    np.testing.assert_array_equal(larger, np.kron(mask, np.ones((times, times), bool)))
    np.testing.assert_array_equal(resized(larger, mask.shape), mask)
