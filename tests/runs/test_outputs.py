from __future__ import annotations

import numpy as np
import pytest

from zoo import DamagedRun
from zoo.runs.outputs import check_finite


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_an_error_that_names_image_and_kind(wrong: float) -> None:
    names, logits, embeddings = ["a", "b", "c"], np.zeros((3, 2)), np.zeros((3, 4))
    check_finite(names, logits=logits, embeddings=embeddings)
    embeddings[1, 3] = wrong
    with pytest.raises(DamagedRun, match="gives embeddings that are not finite, first to 'b'"):
        check_finite(names, logits=logits, embeddings=embeddings)
