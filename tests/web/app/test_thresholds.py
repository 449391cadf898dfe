"""What a slider shows is what deciding again would give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.stats import labelled_logits
from zoo.stats.probabilities import decide, softmax
from zoo.web.app.confusion import confusion_cells
from zoo.web.app.thresholds import _called, _predictive, plots, rates, threshold_counts


def test_the_counts_are_those_of_deciding_again(trained: Run) -> None:
    told = threshold_counts(trained)
    assert told is not None
    positive = trained.record["positive"]
    for part, name in (("validation", run_folder.VALIDATION), ("test", run_folder.TESTED)):
        known = labelled_logits.load(trained.path / name)
        probabilities = softmax(known.logits / trained.temperature)
        (counts,) = (one for one in told["parts"] if one["part"] == part)
        for place in range(0, len(told["thresholds"]), 50):
            said = decide(probabilities, positive, told["thresholds"][place]) == positive
            truth = known.labels == positive
            assert counts["true"][place] == (said & truth).sum()
            assert counts["false"][place] == (said & ~truth).sum()


def test_it_begins_where_the_run_decides(trained: Run) -> None:
    told = threshold_counts(trained)
    assert told is not None
    assert told["thresholds"][told["own"]] == trained.threshold
    by_part = {row["part"]: row for row in rates(told)}
    scores = trained.metrics()
    for part in ("validation", "test"):
        for name in ("sensitivity", "specificity"):
            assert by_part[part][name] == pytest.approx(scores[part]["metrics"][name]["value"])
    matrix = np.array(confusion_cells(trained).confusion())
    called = matrix[:, trained.record["positive"]]
    assert by_part["test"]["ppv"] == pytest.approx(
        called[trained.record["positive"]] / called.sum()
    )


def test_another_threshold_gives_another_matrix(trained: Run) -> None:
    all_called = np.array(confusion_cells(trained, 0.0).confusion())
    assert all_called[:, 1 - trained.record["positive"]].sum() == 0


@given(st.lists(st.floats(0, 1, width=32), max_size=30), st.floats(0, 1, width=32))
def test_at_or_above_is_called(chances: list[float], threshold: float) -> None:
    counted = _called(np.array(chances, np.float32), np.array([threshold]))
    assert counted == [sum(chance >= threshold for chance in chances)]


def test_predictive_values_by_hand() -> None:
    # Of 1,000 patients 100 are ill: 90 of them are called, and 180 of the 900 others.
    found = _predictive(0.9, 0.8, 0.1)
    assert found["ppv"] == pytest.approx(90 / 270)
    assert found["npv"] == pytest.approx(720 / 730)
    assert _predictive(0.0, 1.0, 0.5)["ppv"] is None
    assert _predictive(None, 0.5, 0.5) == {"ppv": None, "npv": None}


def test_curves_of_both_parts_carry_their_areas(trained: Run) -> None:
    roc, pr = plots(trained)
    assert [line.name for line in roc.lines] == ["validation", "test"]
    assert roc.lines[1].told == f"{trained.metrics()['test']['metrics']['roc_auc']['value']:.3f}"
    for plot in (roc, pr):
        for line in plot.lines:
            assert line.dot is not None
            places = [plot.at(x, y) for x, y in zip(line.x, line.y, strict=True)]
            assert all(0 <= x <= plot.box["width"] for x, _ in places)
            assert all(0 <= y <= plot.box["height"] for _, y in places)


def test_without_answers_there_is_nothing_to_move(run_copy: Path) -> None:
    for name in (run_folder.VALIDATION, run_folder.TESTED):
        (run_copy / name).write_bytes(b"no archive")
    run = run_folder.read(run_copy)
    assert threshold_counts(run) is None
    assert plots(run) == []
