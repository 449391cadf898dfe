"""What the page of one run shows, made ready: from its record and its kept figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from zoo.base.errors import DamagedRun, UnknownName
from zoo.base.types import TEST, VALIDATION
from zoo.data.stresses import LEVELS
from zoo.report.drawing import Drawing
from zoo.report.facts import facts
from zoo.report.figures.probabilities import reliability_diagram
from zoo.report.figures.training import learning_curves
from zoo.report.pages import belief
from zoo.report.pages.groups import group_sections
from zoo.report.pages.stress import balanced_accuracies, sentence
from zoo.report.rendering import drawings
from zoo.report.tables import (
    TITLES,
    baseline_rows,
    basis,
    calibration_text,
    confusion_rows,
    metric_rows,
    metric_text,
)
from zoo.runs import run_folder
from zoo.runs.causes import Cause
from zoo.runs.diagnosis import diagnose, held_back, the_others, untold
from zoo.runs.history import read_history
from zoo.runs.run_folder import Run
from zoo.web.app import listed_runs, thresholds
from zoo.web.app.confusion import confusion_cells
from zoo.web.app.words import for_a_page
from zoo.workflows import manage_runs

SIDE_BY_SIDE = ("roc_auc", "sensitivity", "specificity", "accuracy")
"""Metrics that are shown for validation and test beside each other."""


def run_view(run: Run) -> dict[str, Any]:
    """Return the values of the page of a run.

    Raises:
        UnknownName: its scores cannot be read.
    """
    measured = all_scores(run)
    test, causes = measured[TEST], diagnosed(run)
    counts = thresholds.threshold_counts(run)
    return {
        "run": run,
        "synthetic": run.record["data"]["synthetic"],
        "note": manage_runs.note_of(run),
        "information": facts(run),
        "held_back": [replace(one, remedy=for_a_page(one.remedy)) for one in held_back(causes)],
        "the_others": the_others(causes),
        "distance": distance(measured),
        "alarms": untold(run.alarms, causes),
        "said": belief.statements(
            {"operating_threshold": run.record["operating_point"], **test}, "the test part"
        ),
        "basis": basis(test),
        "metrics": metric_rows(test),
        "baselines": baseline_rows(test),
        "figures": drawings(drawn(run, test)),
        "matrix": matrix(run),
        "counts": counts,
        "rates": thresholds.rates(counts) if counts else [],
        "plots": thresholds.plots(run),
        "stress": [
            {"name": name, "sentence": sentence(result), "rows": balanced_accuracies(result)}
            for name, result in run.under_stress().items()
        ],
        "levels": LEVELS,
        "groups": [
            section
            for name, found in run.scored_by_group().items()
            for section in group_sections(
                found, run.class_names[run.record["positive"]], where=f", {name}"
            )
        ],
        "others": [
            (place, belief.value_text(area)) for place, area in run.scored_elsewhere().items()
        ],
    }


def drawn(run: Run, test: Mapping[str, Any]) -> list[tuple[str, str, str, Drawing | None]]:
    """Return the figures of a run, with what a page says of them; None for one without data."""
    try:
        history = read_history(listed_runs.file_of(run, run_folder.HISTORY))
    except (OSError, ValueError, TypeError, UnknownName):
        history = []
    calibration, best = test.get("calibration"), run.record["training"]["best_epoch"]
    return [
        (
            "Learning curves",
            "What should fall and what should rise, epoch by epoch; the best epoch was kept.",
            "Loss and scores over the epochs.",
            learning_curves(history, best) if best else None,
        ),
        (
            "Calibration",
            (
                "Whether it is right as often as its probability says, on the test part; on the "
                "line is ideal."
            ),
            calibration_text(test),
            reliability_diagram(calibration) if calibration else None,
        ),
    ]


def scores(run: Run) -> Any:
    """Return what was measured on the test part.

    Raises:
        UnknownName: it cannot be read.
    """
    return all_scores(run)[TEST]


def all_scores(run: Run) -> Any:
    """Return what was measured on each part.

    Raises:
        UnknownName: it cannot be read.
    """
    with _whole(run):
        measured = run.metrics()
        return {**measured, TEST: measured[TEST], VALIDATION: measured[VALIDATION]}


def diagnosed(run: Run) -> tuple[Cause, ...]:
    """Return what may hold a run back.

    Raises:
        UnknownName: its scores cannot be read.
    """
    with _whole(run):
        return diagnose(run)


def distance(measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how far each score on the test part is from that on validation."""
    rows = []
    for name in SIDE_BY_SIDE:
        try:
            before, after = (measured[part]["metrics"][name] for part in (VALIDATION, TEST))
            values = before["value"], after["value"]
        except (KeyError, TypeError):
            continue
        known = None not in values
        rows.append(
            {
                "title": TITLES[name],
                "validation": metric_text(before),
                "test": metric_text(after),
                "difference": f"{values[1] - values[0]:+.3f}" if known else "-",
                "apart": known and _apart(before, after),
            }
        )
    return rows


def matrix(run: Run) -> dict[str, Any] | None:
    """Return the confusion matrix with the share of each true class; None when it is damaged."""
    try:
        cells = confusion_cells(run)
    except DamagedRun:
        return None
    counts = cells.confusion()
    return {
        "part": cells.part,
        "images": sum(map(sum, counts)),
        "rows": confusion_rows(counts, run.class_names),
    }


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two intervals do not meet."""
    if None in (one["low"], one["high"], other["low"], other["high"]):
        return False
    return bool(one["high"] < other["low"] or other["high"] < one["low"])


@contextmanager
def _whole(run: Run) -> Iterator[None]:
    try:
        yield
    except (DamagedRun, KeyError, TypeError) as error:
        raise UnknownName(
            f"The scores of '{run.name}' cannot be read. Copy the run again, or train again."
        ) from error
