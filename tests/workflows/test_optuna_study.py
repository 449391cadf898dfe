"""Optuna asked for settings: taken up again, pruned, and told of what failed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from zoo import DamagedRun, NotWritten
from zoo.training.search_space import Choice, Range, Space
from zoo.training.trial_states import COMPLETE, FAILED, PRUNED
from zoo.workflows.optuna_study import OptunaStudy

pytest.importorskip("optuna")

SPACE: Space = {"rate": Range(1e-4, 1e-1), "kind": Choice(("a", "b")), "width": Range(2, 9)}
VALUES = {"rate": 1e-3, "kind": "c", "width": 99}
FOLDS = 3


def opened(folder: Path) -> OptunaStudy:
    return OptunaStudy(folder / "what?&% study.sqlite3", SPACE, VALUES, seed=0)


def tried(study: OptunaStudy, area: float) -> str:
    """Go through a trial with the same score on each fold."""
    asked = study.ask()
    for fold in range(FOLDS):
        if study.report(asked, area, 1.0) and fold < FOLDS - 1:
            study.end(asked, PRUNED)
            return PRUNED
    study.end(asked, COMPLETE)
    return COMPLETE


def test_the_first_trial_has_the_settings_as_they_are(tmp_path: Path) -> None:
    study = opened(tmp_path)
    first, second = study.ask(), study.ask()
    assert (first.first, first.changes) == (True, {})
    assert not second.first
    assert second.changes.keys() == SPACE.keys()
    assert 1e-4 <= second.changes["rate"] <= 1e-1
    assert float(f"{second.changes['rate']:.3g}") == second.changes["rate"]
    assert second.changes["kind"] in ("a", "b")
    assert isinstance(second.changes["width"], int)


def test_what_is_over_is_found_again(tmp_path: Path) -> None:
    study = opened(tmp_path)
    for area in (0.7, 0.8):
        assert tried(study, area) == COMPLETE
    records = study.records()
    assert [(one.number, one.state, one.first) for one in records] == [
        (0, COMPLETE, True),
        (1, COMPLETE, False),
    ]
    assert records[1].scores == pytest.approx([0.8] * FOLDS)
    assert records[1].seconds == FOLDS
    assert opened(tmp_path).records() == records


def test_a_trial_that_was_killed_is_asked_for_again_with_the_same_settings(tmp_path: Path) -> None:
    study = opened(tmp_path)
    tried(study, 0.7)
    killed = study.ask()
    study.report(killed, 0.9, 1.0)
    again = opened(tmp_path)
    assert len(again.records()) == 1, "what was left is no result"
    assert again.ask().changes == killed.changes
    once_more = opened(tmp_path)
    taken = once_more.ask()
    assert taken.changes == killed.changes, "killed twice"
    once_more.report(taken, 0.9, 1.0)
    once_more.end(taken, COMPLETE)
    assert [one.changes for one in opened(tmp_path).records()][1:] == [killed.changes]


def test_going_on_draws_nothing_that_was_drawn_before(tmp_path: Path) -> None:
    rates = []
    for _ in range(4):
        study = opened(tmp_path)
        asked = study.ask()
        study.report(asked, 0.5, 1.0)
        study.end(asked, COMPLETE)
        rates.append(asked.changes.get("rate"))
    assert len(set(rates)) == 4


def test_a_trial_below_the_median_is_given_up_and_the_first_never(tmp_path: Path) -> None:
    study = opened(tmp_path)
    assert tried(study, 0.1) == COMPLETE, "the first"
    for _ in range(6):
        tried(study, 0.9)
    assert tried(study, 0.2) == PRUNED
    assert study.records()[-1].state == PRUNED
    assert len(study.records()[-1].scores) == 1


def test_a_failure_is_told_and_the_first_is_tried_again(tmp_path: Path) -> None:
    study = opened(tmp_path)
    for reason in ("No weights.", "The loss became inf."):
        study.end(study.ask(), FAILED, reason)
    assert [one.reason for one in study.records()] == ["No weights.", "The loss became inf."]
    again = opened(tmp_path)
    assert [one.reason for one in again.records()] == ["The loss became inf."]
    assert again.ask().first


def test_a_file_that_is_no_study_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite3"
    path.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(DamagedRun, match="cannot be used as a study of Optuna"):
        OptunaStudy(path, SPACE, VALUES, seed=0)
    assert path.read_bytes().startswith(b"nothing")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="cannot be written"):
        OptunaStudy(tmp_path / "nowhere" / "study.sqlite3", SPACE, VALUES, seed=0)


def test_a_study_that_is_taken_away_meanwhile_is_told(tmp_path: Path) -> None:
    study = opened(tmp_path)
    asked = study.ask()
    with sqlite3.connect(next(tmp_path.iterdir())) as other:
        other.execute("DROP TABLE trial_intermediate_values")
    with pytest.raises(NotWritten, match="cannot be written"):
        study.report(asked, 0.5, 1.0)
