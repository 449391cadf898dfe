"""Answers with their labels: joined so that two sets of them count alike."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.stats.labelled_logits import LabelledLogits, alike


def answers(count: int, name: str) -> LabelledLogits:
    rows = np.arange(count)
    names = np.array([f"{name}{row}" for row in rows])
    return LabelledLogits(np.stack([rows, -rows], 1).astype(np.float32), rows % 2, names, names)


@pytest.mark.parametrize(("few", "many", "times"), [(4, 4, 1), (4, 8, 2), (5, 14, 3)])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_smaller_set_is_repeated_until_both_count_alike(few, many, times, swapped):
    pair = answers(few, "few"), answers(many, "many")
    both = alike(*(pair[::-1] if swapped else pair))
    assert len(both.labels) == len(both.logits) == few * times + many
    names, counts = np.unique(both.names, return_counts=True)
    assert len(names) == few + many
    for name, count in zip(names, counts, strict=True):
        assert count == (times if name.startswith("few") else 1)
    for row, name in enumerate(both.names):  # each answer stays with its label and its patient
        number = int(name.lstrip("fewmany"))
        assert both.logits[row].tolist() == [number, -number]
        assert both.labels[row] == number % 2
        assert both.patients[row] == name
