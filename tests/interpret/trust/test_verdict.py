"""Each rule of the verdict, on evidence made by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from zoo.interpret.trust.localisation import Shares
from zoo.interpret.trust.randomisation import Randomisation
from zoo.interpret.trust.stability import Stability
from zoo.interpret.trust.verdict import DO_NOT_USE, HOLDS_UP, NOT_JUDGED, WEAK, Evidence, judge_map

MAP = np.random.default_rng(0).random((8, 8)).astype(np.float32)
SCORES = {
    "validation": {"value": 0.9, "low": 0.85, "high": 0.95, "note": ""},
    "test": {"value": 0.9, "low": 0.8, "high": 0.95, "note": ""},
}
DEPENDS = Randomisation(("all layers",), (0.1,), (0.05,), (0.1, 0, 0.2), (0, -0.1, 0.1), True, 8)


@dataclass(frozen=True)
class Measured:
    """What `zoo.interpret.trust.perturbation` gives."""

    deletion: float
    insertion: float
    road: float


CONTROLS = {
    "moved 1": Measured(0.60, 0.40, 0.60),
    "moved 3": Measured(0.30, 0.70, 0.30),  # on the same place by luck
    "moved 2": Measured(0.58, 0.42, 0.58),
    "centre": Measured(0.50, 0.50, 0.50),
    "edges": Measured(0.55, 0.45, 0.55),
}
GOOD = Evidence(
    values=MAP,
    scores=SCORES,
    randomisation=DEPENDS,
    faithfulness=Measured(0.30, 0.70, 0.30),
    controls=CONTROLS,
    stability=Stability(0.95, 0.9),
)


UNMOVED = {
    "moved 1": Measured(0.99, 0.99, 0.99),
    "moved 2": Measured(0.98, 0.99, 0.97),
    "centre": Measured(0.97, 0.98, 0.99),
    "edges": Measured(0.99, 0.96, 0.99),
}


def rows(trust) -> dict[str, bool | None]:
    return {row.name: row.passed for row in trust.rows}


def test_a_good_map_holds_up_and_every_row_passes():
    trust = judge_map(GOOD)
    assert trust.level == HOLDS_UP
    assert "3 of 3" in trust.reason
    assert trust.depends
    assert all(rows(trust).values())


@pytest.mark.parametrize("kept", [(), ("centre", "edges")])
def test_without_controls_drawn_by_chance_a_map_cannot_be_judged(kept):
    trust = judge_map(bad(controls={name: CONTROLS[name] for name in kept}))
    assert trust.level == NOT_JUDGED
    assert "not compared with itself put elsewhere" in trust.reason
    told = [row for row in trust.rows if "is better" in row.name]
    assert [row.passed for row in told] == [None] * 3
    assert all("cannot tell" in row.against for row in told)


def test_controls_drawn_by_chance_are_enough():
    trust = judge_map(bad(controls={"moved 1": CONTROLS["moved 1"]}))
    assert (trust.level, "3 of 3" in trust.reason) == (HOLDS_UP, True)


def bad(**changes) -> Evidence:
    return replace(GOOD, **changes)


SAME = replace(DEPENDS, rank=(0.95,), depends=False)


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (bad(scores={**SCORES, "test": {"value": 0.6, "low": 0.48}}), "better than chance"),
        (bad(scores={**SCORES, "test": {"value": 0.6, "low": None}}), "better than chance"),
        (bad(scores={}), "better than chance"),
        (bad(randomisation=SAME), "learned nothing"),
        (bad(values=np.zeros((8, 8))), "empty"),
        (bad(values=np.full((8, 8), np.nan)), "not numbers"),
        (bad(stability=Stability(0.3, 0.9)), "nobody can see"),
        (bad(stability=Stability(0.9, 0.3)), "explained again"),
        (bad(details={"additivity error": 0.02 * float(MAP.sum())}), "add up"),
        (bad(faithfulness=Measured(0.59, 0.41, 0.3)), "put elsewhere"),
        (bad(faithfulness=Measured(0.57, 0.43, 0.57)), "put elsewhere"),  # within the margin
        (bad(faithfulness=Measured(0.8, 0.2, 0.8)), "put elsewhere"),
    ],
)
def test_do_not_use(evidence, reason):
    trust = judge_map(evidence)
    assert trust.level == DO_NOT_USE
    assert reason in trust.reason
    assert trust.reason.endswith(".")
    assert trust.reason.count(".") == 1


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (bad(faithfulness=Measured(0.5, 0.5, 0.3)), "middle of the image or its edges"),
        (bad(shares=Shares(0.30, 0.35)), "inside the lungs"),
        (bad(details={"R2 of the fit": 0.3}), "does not answer as the network"),
    ],
)
def test_weak(evidence, reason):
    trust = judge_map(evidence)
    assert trust.level == WEAK
    assert reason in trust.reason
    assert trust.reason.count(".") == 1


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (bad(faithfulness=None), "Time ran out"),
        (bad(faithfulness=Measured(0.96, 0.98, 0.98), controls=UNMOVED), "cannot be tested"),
    ],
)
def test_not_judged_enough(evidence, reason):
    trust = judge_map(evidence)
    assert trust.level == NOT_JUDGED
    assert reason in trust.reason
    assert trust.reason.count(".") == 1
    assert trust.hurried == (evidence.faithfulness is None)
    assert judge_map(replace(evidence, stability=Stability(0.3, 0.9))).level == DO_NOT_USE
    assert judge_map(replace(evidence, shares=Shares(0.30, 0.35))).level == WEAK


def test_what_passes_says_so_in_the_table():
    trust = judge_map(
        bad(shares=Shares(0.71, 0.35), details={"additivity error": 1e-7, "log-odds": 3.0})
    )
    assert trust.level == HOLDS_UP
    assert rows(trust)["evidence inside the lungs"] is True
    assert rows(trust)["additivity error"] is True


def test_the_gravest_reason_is_told():
    everything = bad(
        scores={},
        randomisation=SAME,
        stability=Stability(0.0, 0.0),
        faithfulness=Measured(0.9, 0.1, 0.9),
    )
    assert "better than chance" in judge_map(everything).reason
    assert not judge_map(everything).depends
    assert "learned nothing" in judge_map(replace(everything, scores=SCORES)).reason


def test_what_was_not_measured_is_neither_passed_nor_failed():
    trust = judge_map(bad(stability=None, randomisation=None))
    assert trust.level == HOLDS_UP
    assert trust.depends
    missing = {row.name: row for row in trust.rows if row.passed is None}
    assert set(missing) == {
        "likeness to maps of random networks",
        "same under noise of one gray level",
    }
    assert {row.value for row in missing.values()} == {"not measured"}


def test_one_test_that_could_have_failed_is_not_enough():
    """Only deletion tells one order from another, and luck alone would pass it often."""
    controls = {
        name: Measured(CONTROLS[name].deletion, unmoved.insertion, unmoved.road)
        for name, unmoved in UNMOVED.items()
    }
    for found in (Measured(0.3, 0.98, 0.98), Measured(0.7, 1.0, 0.96)):
        trust = judge_map(bad(faithfulness=found, controls=controls))
        assert trust.level == NOT_JUDGED
        assert "Only 1 of 3 tests could have failed" in trust.reason
        assert rows(trust)["insertion (higher is better)"] is None


def test_one_of_the_moved_copies_may_do_as_well():
    lucky = {f"moved {i}": Measured(0.30, 0.70, 0.30) for i in (3, 4)}
    assert judge_map(bad(controls={**CONTROLS, **lucky})).level == DO_NOT_USE
    del lucky["moved 4"]
    assert judge_map(bad(controls={**CONTROLS, **lucky})).level == HOLDS_UP


def test_where_chance_is_perfect_no_map_can_be_better():
    controls = {**CONTROLS, **{f"moved {i}": Measured(0.60, 0.98, 0.60) for i in (1, 3)}}
    trust = judge_map(bad(faithfulness=Measured(0.30, 0.99, 0.30), controls=controls))
    assert rows(trust)["insertion (higher is better)"] is None
    assert "2 of 2" in trust.reason


def test_rows_name_the_best_controls():
    (deletion,) = (row for row in judge_map(GOOD).rows if row.name.startswith("deletion"))
    assert deletion.value == "0.30"
    assert deletion.against == "moved 0.58, centre 0.50"


@pytest.mark.parametrize(
    ("details", "row"),
    [
        ({"completeness error": 0.002 * MAP.sum().item()}, ("0.2 %", "at most 1 %", True)),
        ({"completeness error": 0.02 * MAP.sum().item()}, ("2 %", "at most 1 %", False)),
        ({"R2 of the fit": 0.84}, ("0.84", "0.5 or more", True)),
        ({"R2 of the fit": -0.2}, ("-0.20", "0.5 or more", False)),
    ],
)
def test_what_a_method_says_of_itself_is_in_the_table(details, row):
    (told,) = (one for one in judge_map(bad(details=details)).rows if one.name in details)
    assert (told.value, told.against, told.passed) == row


@pytest.mark.parametrize(
    ("evidence", "level"),
    [
        (bad(scores={"test": {"value": 0.6, "low": 0.51}}), HOLDS_UP),
        (bad(scores={"test": {"value": 0.6, "low": 0.5}}), DO_NOT_USE),
        (bad(stability=Stability(0.5, 0.5)), HOLDS_UP),
        (bad(stability=Stability(0.49, 0.5)), DO_NOT_USE),
        (bad(stability=Stability(0.5, 0.49)), DO_NOT_USE),
        (bad(stability=Stability(None, 0.49)), DO_NOT_USE),
        (bad(stability=Stability(0.9, None)), HOLDS_UP),
        (bad(details={"additivity error": 0.009 * float(MAP.sum())}), HOLDS_UP),
        (bad(details={"additivity error": 0.011 * float(MAP.sum())}), DO_NOT_USE),
        (bad(details={"additivity error": 0.011 * float(MAP.sum())}, values=-MAP), DO_NOT_USE),
        (bad(details={"additivity error": "large"}), HOLDS_UP),
        (bad(details={"completeness error": 0.009 * float(MAP.sum())}), HOLDS_UP),
        (bad(details={"completeness error": 0.011 * float(MAP.sum())}), DO_NOT_USE),
        (bad(details={"R2 of the fit": 0.5}), HOLDS_UP),
        (bad(details={"R2 of the fit": 0.49}), WEAK),
        (bad(details={"R2 of the fit": float("nan")}), WEAK),
        (bad(details={"R2 of the fit": "poor"}), HOLDS_UP),
        (bad(shares=Shares(0.36, 0.35)), HOLDS_UP),
        (bad(shares=Shares(0.35, 0.35)), WEAK),
        (bad(values=np.where(MAP.max() == MAP, np.inf, MAP)), DO_NOT_USE),
        (bad(values=np.where(MAP.max() == MAP, np.nan, MAP)), DO_NOT_USE),
    ],
)
def test_each_rule_begins_where_it_says(evidence, level):
    assert judge_map(evidence).level == level


def alike(**changed: float) -> dict[str, Measured]:
    """Controls that are all the same, but for the deletion of those named."""
    return {
        name: Measured(changed.get(name.split()[0], 0.5), 0.98, 0.5)
        for name in ("moved 1", "moved 2", "centre", "edges")
    }


@pytest.mark.parametrize(
    ("own", "level", "reason"),
    [
        (Measured(0.44, 0.98, 0.44), HOLDS_UP, "on 2 of 2 tests"),
        (Measured(0.44, 0.98, 0.5), WEAK, "put elsewhere on only half of the tests"),
        (Measured(0.44, 0.98, 0.56), WEAK, "put elsewhere on only half of the tests"),
        (Measured(0.56, 0.98, 0.56), DO_NOT_USE, "no more to the network than itself"),
    ],
)
def test_of_two_tests_that_tell_one_is_half(own, level, reason):
    """Insertion cannot tell: chance leaves no room above it. The others differ by 0.06."""
    controls = {**alike(), "edges": Measured(0.56, 0.98, 0.56)}
    trust = judge_map(bad(faithfulness=own, controls=controls))
    assert (trust.level, rows(trust)["insertion (higher is better)"]) == (level, None)
    assert reason in trust.reason


def test_better_than_chance_but_not_than_the_middle_on_half_of_the_tests_is_weak():
    controls = {**alike(), "centre": Measured(0.30, 0.98, 0.56)}
    trust = judge_map(bad(faithfulness=Measured(0.44, 0.98, 0.44), controls=controls))
    assert trust.level == WEAK
    assert "the middle of the image or its edges" in trust.reason
    two_of_three = judge_map(bad(controls={**CONTROLS, "centre": Measured(0.31, 0.50, 0.50)}))
    assert two_of_three.level == HOLDS_UP
    assert "on 2 of 3 tests" in two_of_three.reason


@pytest.mark.parametrize(
    ("own", "told", "better"),
    [
        (0.44, True, True),
        (0.46, None, None),  # no map and no control is 0.05 from another: it cannot tell
        (0.56, True, False),
    ],
)
def test_a_test_tells_from_a_spread_of_five_points(own, told, better):
    trust = judge_map(bad(faithfulness=Measured(own, 0.98, 0.5), controls=alike()))
    row = next(row for row in trust.rows if row.name.startswith("deletion"))
    assert row.passed is better
    assert row.against.endswith(" (cannot tell)") is (told is None)


@pytest.mark.parametrize(("own", "better"), [(0.475, True), (0.485, False)])
def test_a_control_is_beaten_by_two_points(own, better):
    controls = alike(edges=0.56)
    trust = judge_map(bad(faithfulness=Measured(own, 0.98, 0.5), controls=controls))
    assert rows(trust)["deletion (lower is better)"] is better


def test_where_chance_removes_all_no_map_can_remove_more():
    controls = alike(moved=0.04)
    trust = judge_map(bad(faithfulness=Measured(0.01, 0.98, 0.3), controls=controls))
    assert rows(trust)["deletion (lower is better)"] is None


def test_the_table_says_what_was_measured_against_what():
    trust = judge_map(
        bad(shares=Shares(0.71, 0.35), details={"additivity error": 0.002 * MAP.sum().item()})
    )
    told = {row.name: (row.value, row.against) for row in trust.rows}
    assert told == {
        "ROC-AUC of the network (validation)": ("0.90 (from 0.85)", "chance 0.50"),
        "ROC-AUC of the network (test)": ("0.90 (from 0.80)", "chance 0.50"),
        "likeness to maps of random networks": ("0.05", "below 0.7"),
        "same under noise of one gray level": ("0.95", "0.5 or more"),
        "same with other random numbers": ("0.90", "0.5 or more"),
        "additivity error": ("0.2 %", "at most 1 %"),
        "deletion (lower is better)": ("0.30", "moved 0.58, centre 0.50"),
        "insertion (higher is better)": ("0.70", "moved 0.42, centre 0.50"),
        "ROAD (lower is better)": ("0.30", "moved 0.58, centre 0.50"),
        "evidence inside the lungs": ("71 %", "35 % of the area"),
    }
    alone = judge_map(bad(scores={"test": {"value": 0.5, "low": None}}))
    assert (alone.rows[0].value, alone.rows[0].passed) == ("0.50", False)
    nothing = judge_map(bad(scores={}, stability=None, randomisation=None))
    first = nothing.rows[0]
    assert (first.name, first.value, first.passed) == (
        "ROC-AUC of the network",
        "not measured",
        None,
    )


def test_what_cannot_be_told_speaks_neither_for_a_map_nor_against_it():
    """Deletion is 0.04 off every control, too little to tell; insertion and ROAD tell."""
    controls = {name: replace(measured, insertion=0.5) for name, measured in alike().items()}
    worse = judge_map(bad(faithfulness=Measured(0.46, 0.44, 0.56), controls=controls))
    assert worse.level == DO_NOT_USE
    assert "put elsewhere" in worse.reason
    better = judge_map(bad(faithfulness=Measured(0.54, 0.56, 0.44), controls=controls))
    assert better.level == HOLDS_UP
    assert "on 2 of 2 tests" in better.reason
