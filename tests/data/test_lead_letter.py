from __future__ import annotations

from zoo.data.lead_letter import letter


def test_the_letter_is_large_enough_to_be_read() -> None:
    for side in (4, 8, 27, 60):
        shape = letter(side)
        assert shape.shape == (side, side)
        assert 0.2 < shape.mean() < 0.9
    assert not (letter(27) == letter(27)[:, ::-1]).all(), "no mirror image"
