"""Errors for somebody at a page: of its boxes, never of a terminal."""

from __future__ import annotations

import pytest

from zoo.web.app.words import for_a_page


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "The epochs are 0. Give --epochs a number from 1.",
            "The epochs are 0. Give 'Epochs at most' a number from 1.",
        ),
        (
            "Memory is too short. Choose a smaller --input.",
            "Memory is too short. Choose a smaller 'Input size'.",
        ),
        (
            "Faults:\n  a\nMend them, or go on all the same: --allow-findings. See them.",
            "Faults:\n  a\nMend them, or tick 'Train even when the data have faults'. See them.",
        ),
        ("It is not finished. Go on with: zoo train --resume x", "It is not finished."),
        ("It costs 0.5 s. Set --skip-broken.", "It costs 0.5 s."),
        ("'zoo check' shows why.", "The page Data shows why."),
        ("Other shares in use (--prevalence) may.", "Other shares in use may."),
        ("Mend them, or train without them: --skip-broken.", "Mend them."),
        ("There is nothing at this address. See /docs.", "There is nothing at this address."),
        ("Use --engine keras.", "Use --engine keras."),
        ("a-b--c.png is no image.", "a-b--c.png is no image."),
    ],
)
def test_boxes_are_named_and_what_only_a_terminal_can_do_is_left_out(said: str, told: str) -> None:
    assert for_a_page(said) == told
