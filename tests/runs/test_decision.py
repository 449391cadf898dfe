from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from zoo.network.frame import WHOLE
from zoo.runs.decision import (
    SOMEWHAT,
    UNCERTAIN,
    UNKNOWN,
    VERY,
    Decision,
    Verdict,
    listed,
)

BINARY = Decision(
    class_names=("NORMAL", "PNEUMONIA"),
    positive=1,
    threshold=0.3,
    limits=(0.4, 0.45),  # NORMAL is possible from 0.60 up, PNEUMONIA from 0.55 up
    gate_limit=1.05,
    subject="chest X-ray",
)
NEAR = 0.5


def verdict(
    decision: Decision,
    probabilities: list[float],
    distance: float = NEAR,
    boxes: np.ndarray = WHOLE[None],
) -> Verdict:
    return decision.decide(np.array([probabilities]), np.array([distance]), boxes)[0]


def test_a_class_is_named_when_it_alone_is_possible_and_predicted():
    assert verdict(BINARY, [0.9, 0.1]) == Verdict("NORMAL", 0)
    assert verdict(BINARY, [0.1, 0.9]) == Verdict("PNEUMONIA", 1)


def test_the_gate_comes_first_and_tells_its_numbers():
    far = verdict(BINARY, [0.9, 0.1], 1.234)
    assert (far.label, far.refused, far.predicted) == (SOMEWHAT, UNKNOWN, 0)
    assert "1.234" in far.reason
    assert "99 % of the validation images lie within 1.050" in far.reason
    assert verdict(BINARY, [0.5, 0.5], 1.234).refused == UNKNOWN  # not 'uncertain'


def test_the_limit_itself_is_still_answered():
    assert verdict(BINARY, [0.9, 0.1], 1.05).refused == ""


@pytest.mark.parametrize(
    ("distance", "label", "reason"),
    [
        (1.19, SOMEWHAT, "It may be a chest X-ray of another age, view or machine, or an altered"),
        (2.1, SOMEWHAT, "It may be a chest X-ray of another age"),
        (2.11, VERY, "It may be no chest X-ray at all."),
        (9.9, VERY, "It may be no chest X-ray at all."),
    ],
)
def test_the_headline_says_what_was_measured_by_its_distance(distance, label, reason):
    far = verdict(BINARY, [0.9, 0.1], distance)
    assert far.label == label
    assert "X-RAY" not in far.label, "what it shows was not measured"
    assert reason in far.reason


def test_data_of_no_stated_subject_are_not_called_chest_x_rays():
    plain = Decision(("a", "b"), 1, None, (0.4, 0.4), 1.0)
    assert "It may be one of another age" in verdict(plain, [0.9, 0.1], 1.5).reason
    assert verdict(plain, [0.9, 0.1], 3.0).reason.endswith(
        "It may be no image of this kind at all."
    )


LUNGS = Decision.from_record({**BINARY.to_record(), "frame": "lungs"})
PART = np.array([[0.1, 0.2, 0.8, 0.9]], np.float32)


def test_a_framed_network_does_not_answer_where_it_found_nothing_to_cut_to():
    found = verdict(LUNGS, [0.1, 0.9])
    assert (found.label, found.refused, found.predicted) == (SOMEWHAT, UNKNOWN, 1)
    assert found.reason.startswith("No plausible lungs could be found in it")
    assert "the network saw all of it" in found.reason
    far = verdict(LUNGS, [0.1, 0.9], 1.5)
    assert (far.label, far.refused) == (VERY, UNKNOWN)
    assert "1.500" in far.reason


def test_it_answers_where_it_found_it_and_the_gate_still_stands():
    assert verdict(LUNGS, [0.1, 0.9], boxes=PART) == Verdict("PNEUMONIA", 1)
    far = verdict(LUNGS, [0.1, 0.9], 1.5, PART)
    assert (far.label, far.refused) == (SOMEWHAT, UNKNOWN)
    assert "could be found" not in far.reason


def test_what_is_not_found_is_called_by_what_the_masks_were_of():
    masked = Decision.from_record({**BINARY.to_record(), "frame": "masks"})
    assert "the masks of its training showed could be found" in verdict(masked, [0.9, 0.1]).reason


def test_each_image_is_judged_by_its_own_box():
    boxes = np.concatenate([PART, WHOLE[None], PART])
    found = LUNGS.decide(np.tile([[0.1, 0.9]], (3, 1)), np.full(3, NEAR), boxes)
    assert [v.refused for v in found] == ["", UNKNOWN, ""]


def test_several_possible_classes_are_named():
    wide = Decision(("a", "b", "c"), 1, None, (0.9, 0.9, 0.9), 1.0)
    two = verdict(wide, [0.5, 0.45, 0.05])
    assert (two.label, two.refused, two.predicted) == ("UNCERTAIN", UNCERTAIN, 0)
    assert two.reason == "At 95 % confidence it could be a or b."
    assert verdict(wide, [0.4, 0.3, 0.3]).reason == "At 95 % confidence it could be a, b or c."


def test_an_image_that_fits_no_class_is_uncertain():
    neither = verdict(BINARY, [0.58, 0.42])  # below 0.60 and below 0.55
    assert (neither.label, neither.refused) == ("UNCERTAIN", UNCERTAIN)
    assert "no class as well as 95 %" in neither.reason


def test_a_threshold_that_contradicts_the_only_possible_class_is_uncertain():
    split = verdict(BINARY, [0.65, 0.35])  # over the threshold, but PNEUMONIA is excluded
    assert (split.label, split.refused, split.predicted) == ("UNCERTAIN", UNCERTAIN, 1)
    assert split.reason == (
        "At 95 % confidence it could only be NORMAL, but the threshold calls it PNEUMONIA."
    )


def test_so_is_a_most_probable_class_that_is_excluded():
    uneven = Decision(("a", "b", "c"), 1, None, (0.2, 0.7, 0.2), 1.0)
    odd = verdict(uneven, [0.5, 0.4, 0.1])
    assert (odd.refused, odd.predicted) == (UNCERTAIN, 0)
    assert odd.reason.endswith("could only be b, but a is the most probable class.")


def test_with_a_higher_sensitivity_asked_for_the_same_image_is_called_otherwise():
    eager = Decision.from_record({**BINARY.to_record(), "threshold": 0.05})
    assert verdict(BINARY, [0.9, 0.1]).predicted == 0
    assert verdict(eager, [0.9, 0.1]).predicted == 1
    assert verdict(eager, [0.9, 0.1]).refused == UNCERTAIN


def test_many_images_are_answered_in_order():
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])
    found = BINARY.decide(probabilities, np.array([NEAR, NEAR, 9.0]), WHOLE[None].repeat(3, axis=0))
    assert [v.refused for v in found] == ["", UNCERTAIN, UNKNOWN]
    assert [v.predicted for v in found] == [0, 1, 1]


@pytest.mark.parametrize(
    "decision", [BINARY, LUNGS, Decision(("a", "b", "c"), 2, None, (1.0,) * 3, 0.7)]
)
def test_a_record_of_plain_json_decides_alike(decision):
    assert Decision.from_record(json.loads(json.dumps(decision.to_record()))) == decision


def test_shares_are_told_as_they_are():
    odd = Decision(("a", "b"), 1, None, (0.4, 0.4), 1.0, confidence=0.975, gate_share=0.995)
    assert "99.5 %" in verdict(odd, [0.9, 0.1], 2.0).reason
    assert "97.5 %" in verdict(odd, [0.5, 0.5]).reason


def test_lists_of_names():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b or c"


@pytest.mark.parametrize(
    ("probabilities", "distance", "near"),
    [
        ([0.9, 0.1], NEAR, False),
        ([0.7005, 0.2995], NEAR, True),  # the threshold
        ([0.6005, 0.3995], NEAR, True),  # NORMAL is possible from 0.60
        ([0.4495, 0.5505], NEAR, True),  # PNEUMONIA is possible from 0.55
        ([0.9, 0.1], 1.055, True),  # the gate
        ([0.9, 0.1], 1.07, False),
        ([0.9, 0.1], 2.095, True),  # twice the gate: very unlike
    ],
)
def test_what_a_small_difference_could_change_is_near(probabilities, distance, near):
    given = np.array([probabilities]), np.array([distance])
    assert BINARY.near(*given, 1e-3).tolist() == [near]


def test_a_class_that_is_never_excluded_has_no_limit_to_be_near():
    open_ended = replace(BINARY, limits=(1.0, 1.0), threshold=None)
    sure, torn = [1.0, 0.0], [0.5002, 0.4998]
    found = open_ended.near(np.array([sure, torn]), np.array([NEAR, NEAR]), 1e-3)
    assert found.tolist() == [False, True]
