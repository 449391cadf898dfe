"""The page of an evaluation: whether to believe a run, and every figure behind that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo import DISCLAIMER
from zoo.base.number_text import percent, probability
from zoo.base.types import EMPTY
from zoo.report.drawing import Drawing
from zoo.report.figures import training
from zoo.report.figures.contact_sheet import Tile, contact_sheet
from zoo.report.figures.probabilities import coverage_figure, decision_figure, reliability_diagram
from zoo.report.pages import belief
from zoo.report.pages.groups import group_figures, group_sections
from zoo.report.rendering import drawings, render
from zoo.report.tables import (
    TITLES,
    baseline_rows,
    basis,
    calibration_text,
    confusion_rows,
    metric_rows,
    metric_text,
)
from zoo.runs.diagnosis import held_back, the_others, untold

if TYPE_CHECKING:
    from zoo.runs.causes import Cause
    from zoo.stats.alarms import Alarm


NO_PICTURES = (
    "Their pictures are missing because the run keeps none of patients: it was trained with "
    "--reference none. The names tell where to look them up."
)


def evaluation_page(
    result: Mapping[str, Any],
    *,
    title: str,
    drawn: Mapping[str, Drawing] | None = None,
    history: Sequence[Mapping[str, Any]] = (),
    best_epoch: int | None = None,
    causes: Sequence[Cause] = (),
    alarms: Sequence[Alarm] = (),
    information: Mapping[str, Any] = EMPTY,
    notes: Sequence[str] = (),
    top_losses: Sequence[Mapping[str, Any]] = (),
    synthetic: bool = False,
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page for a result of `zoo.stats.metrics.classification_metrics`.

    `result` may also hold operating_threshold, calibration, coverage, decision_curve, baselines,
    refusals, difference, prevalence and groups; each may be missing or None. `drawn` holds what
    `figures` gave, so that it need not be drawn again. `history` holds the
    rows that `training.learning_curves` takes; `causes` is what a diagnosis of the run found;
    `information` holds facts about the run and the data, in their order. `top_losses` are the
    worst answers, {name, label, predicted, probability, loss, picture, map}, where the picture and
    the map are JPEG files or None.
    """
    pictures = figures(result, history, best_epoch) if drawn is None else drawn
    return render(
        "evaluation.html.j2",
        title=title,
        result=result,
        metrics=metric_rows(result),
        basis=basis(result),
        held_back=held_back(causes),
        the_others=the_others(causes),
        said=belief.statements(result),
        baselines=baseline_rows(result),
        point=_operating_point(result),
        prevalence=_prevalence(result),
        difference=_difference(result),
        groups=group_sections(
            result.get("groups") or (),
            result["class_names"][result["positive"]],
            pictures,
        ),
        losses=contact_sheet([_loss(entry) for entry in top_losses]),
        no_pictures="" if all(entry["picture"] for entry in top_losses) else NO_PICTURES,
        matrix=confusion_rows(result["confusion"], result["class_names"]),
        figures=drawings(_shown(result, pictures, len(history))),
        alarms=untold(alarms, causes),
        information=information,
        notes=notes,
        synthetic=synthetic,
        disclaimer=disclaimer,
    )


def figures(
    result: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]] = (),
    best_epoch: int | None = None,
) -> dict[str, Drawing]:
    """Return every figure of an evaluation, by the name of its file without its suffix."""
    calibration, coverage, curve = (
        result.get(key) for key in ("calibration", "coverage", "decision_curve")
    )
    positive = result["class_names"][result["positive"]]
    drawn = {
        "confusion_matrix": training.confusion_matrix(result),
        "roc": training.roc_curve(result),
        "precision_recall": training.pr_curve(result),
        "reliability": reliability_diagram(calibration) if calibration else None,
        "coverage": coverage_figure(coverage) if coverage else None,
        "decision_curve": decision_figure(curve, positive) if curve else None,
        "learning_curves": training.learning_curves(history, best_epoch),
        **group_figures(result.get("groups") or (), result["metrics"]),
    }
    return {name: picture for name, picture in drawn.items() if picture is not None}


def _shown(
    result: Mapping[str, Any], drawn: Mapping[str, Drawing], epochs: int
) -> list[tuple[str, str, str, Drawing | None]]:
    coverage, positive = result.get("coverage"), result["class_names"][result["positive"]]
    return [
        (
            "ROC curve",
            "How many findings are found for how many false alarms, over all thresholds.",
            f"ROC curve, area {metric_text(result['metrics']['roc_auc'])[0]}.",
            drawn.get("roc"),
        ),
        (
            "Precision and recall",
            "How many alarms are right for how many findings found, over all thresholds.",
            f"Precision-recall curve, area {metric_text(result['metrics']['pr_auc'])[0]}.",
            drawn.get("precision_recall"),
        ),
        (
            "Calibration",
            "Whether it is right as often as its probability says; on the line is ideal.",
            calibration_text(result),
            drawn.get("reliability"),
        ),
        (
            "Leaving the uncertain to a person",
            (
                "Accuracy when only the surest answers are taken; further left, more images go "
                f"to a person. {coverage_text(coverage) if coverage else ''}"
            ),
            "Accuracy of the surest answers over the share of images that is answered.",
            drawn.get("coverage"),
        ),
        (
            "Decision curve",
            (
                "Acting on the network does good where its line is the highest. A threshold t says "
                "that a missed finding weighs (1 - t) / t needless alarms. It holds for the share "
                f"of {positive} in these images."
            ),
            f"Net benefit of the network, of calling all {positive} and of calling none.",
            drawn.get("decision_curve"),
        ),
        (
            "Learning curves",
            "Loss and scores after each epoch of the training.",
            f"Learning curves over {epochs} epochs.",
            drawn.get("learning_curves"),
        ),
    ]


def coverage_text(coverage: Mapping[str, Any]) -> str:
    """Say the accuracy at each marked share of images that is answered."""
    said = [
        f"{value:.3f} with {100 * float(share):.0f} % answered"
        for share, value in (coverage.get("at") or {}).items()
        if value is not None
    ]
    return f"It is {', '.join(said)}." if said else ""


def _operating_point(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return sensitivity and specificity where the threshold was chosen, and here."""
    point = result.get("operating_threshold")
    if not point:
        return []
    return [
        {
            "title": TITLES[name],
            "chosen": metric_text(point[name]),
            "here": metric_text(result["metrics"][name]),
        }
        for name in ("sensitivity", "specificity")
    ]


def _prevalence(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    prevalence = result.get("prevalence")
    if not prevalence:
        return []
    positive = result["class_names"][result["positive"]]
    rows = [
        (f"Share of {positive} that was stated", "stated"),
        (f"Share of {positive} in the validation part", "validation"),
        ("Sensitivity", "sensitivity"),
        ("Specificity", "specificity"),
        (f"Right when it calls {positive} (positive predictive value)", "ppv"),
        ("Right when it does not (negative predictive value)", "npv"),
    ]
    known = [(title, belief.number(prevalence.get(key))) for title, key in rows]
    return [(title, percent(value)) for title, value in known if value is not None]


def _difference(result: Mapping[str, Any]) -> dict[str, Any] | None:
    difference = result.get("difference")
    if not difference:
        return None
    prior = difference.get("prior") or {"run": {}, "data": {}}
    value, interval = (
        metric_text(difference["shift_auc"]) if difference.get("shift_auc") else ("-", "")
    )
    return {
        "sentence": difference["sentence"],
        "told": f"{value} ({interval})" if interval else value,
        "classes": [
            (name, percent(share), percent(prior["data"].get(name, 0.0)))
            for name, share in prior["run"].items()
        ],
    }


def _loss(entry: Mapping[str, Any]) -> Tile:
    return Tile(
        entry["picture"],
        entry["name"],
        f"is {entry['label']}, called {entry['predicted']} "
        f"({probability(entry['probability'])}), loss {entry['loss']:.2f}",
        entry.get("map"),
    )
