from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zoo.stats.sampling import in_proportion


def test_classes_keep_their_shares() -> None:
    labels = np.repeat([0, 1, 2], [700, 250, 50])
    chosen = in_proportion(labels, 100)
    assert np.bincount(labels[chosen]).tolist() == [70, 25, 5]
    assert (np.diff(chosen) > 0).all()


def test_few_rows_are_all_taken() -> None:
    assert in_proportion(np.zeros(7), 7).tolist() == list(range(7))


@given(st.lists(st.integers(0, 5), min_size=6, max_size=200), st.integers(6, 50))
def test_no_class_is_left_out_and_none_comes_twice(labels: list[int], most: int) -> None:
    chosen = in_proportion(np.array(labels), most)
    assert len(chosen) == min(most, len(labels)) == len(set(chosen.tolist()))
    assert set(np.array(labels)[chosen].tolist()) == set(labels)
