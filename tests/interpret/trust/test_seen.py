"""Maps are tested in what a network saw, at the size that it takes."""

from __future__ import annotations

import numpy as np

from zoo.interpret.trust.seen import within
from zoo.network.frame import WHOLE


def test_where_nothing_was_found_a_map_has_the_size_of_what_is_seen() -> None:
    values = np.arange(64, dtype=np.float32).reshape(1, 8, 8)
    boxes = np.array([WHOLE], np.float32)
    assert within(values, boxes, (8, 8)) is values
    cut = within(values, boxes, (4, 4))
    assert cut.shape == (1, 4, 4)
    assert (np.diff(cut[0], axis=0) > 0).all()
