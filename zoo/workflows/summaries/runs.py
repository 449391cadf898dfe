"""What is shown of a run, of its scores, and of comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.base.errors import BadInput
from zoo.base.types import TEST, TRAIN, VALIDATION
from zoo.interpret.overview.result import Overview
from zoo.interpret.trust.ranking import Audit
from zoo.report.figures.comparison import model_rows
from zoo.report.figures.forest import forest_row
from zoo.report.figures.learning import draw_learning, has_scores
from zoo.report.figures.training import draw_roc, draw_scores
from zoo.report.figures.tuning import draw_trials, scored
from zoo.report.pages.audit import audit_page
from zoo.report.pages.card import model_card
from zoo.report.pages.comparison import left_out_note
from zoo.report.pages.overview import overview_page
from zoo.report.pages.stress import AS_IT_IS, sentence
from zoo.report.style import WIDTH
from zoo.report.summary import Row, Summary
from zoo.report.tables import TITLES, basis
from zoo.runs import run_folder
from zoo.runs.history import read_history
from zoo.runs.run_folder import Run
from zoo.stats.robustness import named, worst_first
from zoo.workflows.compare import Comparison
from zoo.workflows.evaluate import Evaluation
from zoo.workflows.learning_curve import LearningCurve
from zoo.workflows.stress import StressTest
from zoo.workflows.summaries.dispatch import summary
from zoo.workflows.summaries.forests import in_forest
from zoo.workflows.tune import Tuning

WORST = 8
"""Changes of a stress test that are drawn."""
PARTS = (TRAIN, VALIDATION, TEST)
"""Of a learning curve."""


@summary.register
def _(thing: Run) -> Summary:
    record = thing.record
    lines = [f"{record['architecture']}, tells {', '.join(thing.class_names)}."]
    if not thing.done:
        return Summary(thing.name, [*lines, "It is not finished: go on with zoo.resume."])
    history, measured = read_history(thing.path / run_folder.HISTORY), thing.metrics()
    best = record["training"]["best_epoch"]
    if thing.threshold is not None:
        positive = thing.class_names[record["positive"]]
        lines.append(f"{positive} is called from a probability of {thing.threshold:.3g} up.")
    rows = [
        {
            "run": thing.name,
            "part": part,
            "images": result["images"],
            "patients": result["patients"],
            **{TITLES[name]: found["value"] for name, found in result["metrics"].items()},
        }
        for part in (VALIDATION, TEST)
        if (result := measured.get(part))
    ]
    return Summary(
        title=thing.name,
        lines=lines,
        rows=rows,
        notes=[str(alarm) for alarm in thing.alarms],
        synthetic=record["data"]["synthetic"],
        draw=(lambda axes: draw_scores(axes, history, best)) if history else None,
        page=lambda: model_card(thing),
    )


@summary.register
def _(thing: Evaluation) -> Summary:
    result = thing.result
    return Summary(
        title=f"{thing.folder.parent.parent.name} on {thing.folder.name}",
        lines=[basis(result)],
        rows=_metric_rows(result["metrics"]),
        notes=thing.notes,
        draw=(lambda axes: draw_roc(axes, result)) if result["curves"] else None,
        size=(WIDTH, 4.6),
        page=lambda: _read(thing.folder / "report.html"),
    )


@summary.register
def _(thing: StressTest) -> Summary:
    result = thing.result
    told = [{"change": AS_IT_IS, **_values(result["clean"]["metrics"])}]
    told += [{"change": named(row), **_values(row["metrics"])} for row in result["rows"]]
    worst = [
        forest_row(named(row), row["metrics"]["balanced_accuracy"])
        for row in worst_first(result["rows"])[:WORST]
    ]
    clean = forest_row(AS_IT_IS, result["clean"]["metrics"]["balanced_accuracy"], quiet=True)
    return Summary(
        title=f"{thing.folder.parent.parent.name} under stress on {thing.folder.name}",
        lines=[sentence(result)],
        rows=told,
        notes=thing.notes,
        synthetic=result["synthetic"],
        page=lambda: _read(thing.folder / "report.html"),
        **in_forest([clean, *worst], "balanced accuracy", {}),
    )


@summary.register
def _(thing: Comparison) -> Summary:
    result = thing.result
    rows = [{"name": entry["name"], **_interval(entry["roc_auc"])} for entry in result["entries"]]
    without = [
        {"name": entry["title"], **_interval(entry["roc_auc"])} for entry in result["baselines"]
    ]
    return Summary(
        title="ROC-AUC of each, and of baselines that never see the lungs",
        rows=[*rows, *without],
        notes=[
            *(one["sentence"] for one in result["stopped"]),
            *left_out_note(result),
            *result["notes"],
        ],
        synthetic=result["synthetic"],
        page=lambda: _read(thing.page),
        **in_forest(model_rows(result), "ROC-AUC", {0.5: "chance"}),
    )


@summary.register
def _(thing: Tuning) -> Summary:
    result = thing.result
    return Summary(
        title=f"{result['architecture']} tuned",
        lines=[*result["sentences"], thing.command],
        rows=[
            {"trial": one["number"] + 1, "state": one["state"], "ROC-AUC": one["roc_auc"]}
            | one["settings"]
            for one in result["trials"]
        ],
        notes=result["notes"],
        synthetic=result["synthetic"],
        draw=(lambda axes: draw_trials(axes, result)) if scored(result) else None,
        page=lambda: _read(thing.page),
    )


@summary.register
def _(thing: LearningCurve) -> Summary:
    result = thing.result
    return Summary(
        title=f"Learning curve of {result['architecture']}",
        lines=[result["sentence"]],
        rows=[
            {"images": point["images"], "patients": point["patients"], **_means(point)}
            for point in result["points"]
        ],
        synthetic=result["synthetic"],
        draw=(lambda axes: draw_learning(axes, result)) if has_scores(result) else None,
        page=lambda: _read(thing.page),
    )


@summary.register
def _(thing: Audit) -> Summary:
    rows = [
        {
            "method": one.name,
            "verdict": "control" if one.control else one.level,
            **_interval(one.score),
            "reason": one.reason,
        }
        for one in thing.standings
    ]
    return Summary(
        title=f"Which explanations of {thing.run} to believe",
        lines=[f"{thing.images:,} images of {thing.patients:,} patients."],
        rows=rows,
        notes=thing.notes,
        synthetic=thing.synthetic,
        page=lambda: audit_page(thing),
    )


@summary.register
def _(thing: Overview) -> Summary:
    return Summary(
        title=f"What {thing.run} goes by",
        lines=[f"{thing.images:,} images of {thing.patients:,} patients."],
        synthetic=thing.synthetic,
        page=lambda: overview_page(thing),
    )


def _metric_rows(metrics: Mapping[str, Any]) -> list[Row]:
    return [{"score": TITLES[name], **_interval(found)} for name, found in metrics.items()]


def _interval(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("value", "low", "high")}


def _values(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {TITLES[name]: found["value"] for name, found in metrics.items()}


def _means(point: Mapping[str, Any]) -> dict[str, float | None]:
    known = {name: [value for value in point[name] if value is not None] for name in PARTS}
    return {name: sum(values) / len(values) if values else None for name, values in known.items()}


def _read(page: Path) -> str:
    try:
        return page.read_text("utf-8")
    except OSError as error:
        raise BadInput(f"The page '{page}' cannot be read: {error.strerror}.") from error
