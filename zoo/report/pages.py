"""Reports as single HTML files: no script, no network, every picture inside the file.

File names and class names come from outside, so every template is escaped by default, and the
pages forbid themselves (Content-Security-Policy) to load or run anything.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo import DISCLAIMER, __version__
from zoo.report import figures
from zoo.report.case import (
    Case,
    agreement_text,
    fact,
    neighbour_label,
    percent,
    thumbnail,
)
from zoo.report.overlays import bar_ends, colour_bar_png, overlay_jpeg, picture_jpeg
from zoo.report.reliability import reliability_diagram
from zoo.report.tables import TITLES, basis, calibration_text, written
from zoo.types import EMPTY, Attribution, Examples, Neighbour

if TYPE_CHECKING:
    from jinja2 import Environment

    from zoo.alarms import Alarm

CLASSES_SHOWN = 10
SIGNED_READING = (
    "Red speaks for {target}, blue against it; where the image shows through, there is little "
    "evidence either way."
)
UNSIGNED_READING = (
    "The brighter the colour, the more the answer {target} rests on that place; where the image "
    "shows through, there is little evidence."
)


def case_page(
    cases: Sequence[Case],
    *,
    title: str = "",
    information: Mapping[str, Any] = EMPTY,
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page that explains each case: prediction, maps and similar cases.

    `information` holds facts about the run, shown as a table in their order.
    """
    if not title:
        title = cases[0].name if len(cases) == 1 else f"{len(cases)} explained images"
    return _render(
        "case.html.j2",
        title=title,
        cases=[_case(case, number) for number, case in enumerate(cases, 1)],
        information=information,
        disclaimer=disclaimer,
        synthetic=any(case.synthetic for case in cases),
    )


def evaluation_page(
    result: Mapping[str, Any],
    *,
    title: str,
    history: Sequence[Mapping[str, Any]] = (),
    best_epoch: int | None = None,
    alarms: Sequence[Alarm] = (),
    information: Mapping[str, Any] = EMPTY,
    notes: Sequence[str] = (),
    synthetic: bool = False,
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page for a result of `zoo.metrics.evaluate`.

    `history` holds the rows that `figures.learning_curves` takes; `information` holds facts about
    the run and the data, shown as a table in their order.
    """
    names = ", ".join(result["class_names"])
    drawn = [
        (
            "Confusion matrix",
            "Rows are the true classes; each cell gives the number of images and its share.",
            f"Confusion matrix of {names}; the numbers are in the table above it.",
            figures.confusion_matrix(result),
        ),
        (
            "ROC curve",
            "How many findings are found for how many false alarms, over all thresholds.",
            f"ROC curve, area {written(result['metrics']['roc_auc'])[0]}.",
            figures.roc_curve(result),
        ),
        (
            "Precision and recall",
            "How many alarms are right for how many findings found, over all thresholds.",
            f"Precision-recall curve, area {written(result['metrics']['pr_auc'])[0]}.",
            figures.pr_curve(result),
        ),
        (
            "Calibration",
            "Whether it is right as often as its probability says; on the line is ideal.",
            calibration_text(result),
            reliability_diagram(result["calibration"]) if "calibration" in result else None,
        ),
        (
            "Learning curves",
            "Loss and scores after each epoch of the training.",
            f"Learning curves over {len(history)} epochs.",
            figures.learning_curves(history, best_epoch),
        ),
    ]
    return _render(
        "evaluation.html.j2",
        title=title,
        result=result,
        metrics=[_metric(name, entry) for name, entry in result["metrics"].items()],
        basis=basis(result),
        figures=[
            {"title": heading, "reading": reading, "alt": alt, "picture": _uri(png, "png")}
            for heading, reading, alt, png in drawn
            if png is not None
        ],
        alarms=alarms,
        information=information,
        notes=notes,
        synthetic=synthetic,
        disclaimer=disclaimer,
    )


def _case(case: Case, number: int) -> dict[str, Any]:
    chances = zip(case.class_names, case.probabilities, percent(case), strict=True)
    bars: list[dict[str, Any]] = [
        {
            "name": name,
            "share": 100 * float(chance),
            "text": text,
            "predicted": index == case.predicted,
        }
        for index, (name, chance, text) in enumerate(chances)
    ]
    bars.sort(key=lambda bar: -bar["share"])
    return {
        "anchor": f"case-{number}",
        "name": case.name,
        "predicted": case.class_names[case.predicted],
        "probability": percent(case)[case.predicted],
        "bars": bars[:CLASSES_SHOWN],
        "hidden": max(0, len(bars) - CLASSES_SHOWN),
        "picture": _uri(picture_jpeg(case.pixels), "jpeg"),
        "label": None if case.label is None else case.class_names[case.label],
        "right": case.label == case.predicted,
        "threshold": case.threshold,
        "run": case.run,
        "notes": case.notes,
        "synthetic": case.synthetic,
        "maps": [_map(case, attribution) for attribution in case.attributions],
        "examples": [_examples(case, examples) for examples in case.examples],
    }


def _map(case: Case, attribution: Attribution) -> dict[str, Any]:
    target = case.class_names[attribution.target]
    reading = SIGNED_READING if attribution.signed else UNSIGNED_READING
    return {
        "method": attribution.method,
        "target": target,
        "summary": case.summaries.get(attribution.method, ""),
        "reading": reading.format(target=target),
        "picture": _uri(overlay_jpeg(case.pixels, attribution), "jpeg"),
        "bar": _bar(attribution.signed),
        "ends": bar_ends(attribution),
        "facts": [fact(*item) for item in attribution.details.items()],
    }


def _examples(case: Case, examples: Examples) -> dict[str, Any]:
    return {
        "method": examples.method,
        "summary": case.summaries.get(examples.method, ""),
        "agreement": agreement_text(case, examples),
        "rows": [
            (heading, [_neighbour(case, neighbour) for neighbour in neighbours])
            for heading, neighbours in (
                ("Nearest training cases", examples.similar),
                ("Nearest with another label", examples.contrast),
            )
            if neighbours
        ],
        "facts": [fact(*item) for item in examples.details.items() if item[0] != "neighbours"],
    }


def _neighbour(case: Case, neighbour: Neighbour) -> dict[str, Any]:
    encoded = thumbnail(case, neighbour)
    return {
        "name": case.reference.names[neighbour.index] if case.reference else "",
        "label": neighbour_label(case, neighbour),
        "distance": f"{neighbour.distance:.2f}",
        "picture": None if encoded is None else _uri(encoded, "jpeg"),
    }


def _metric(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    value, interval = written(entry)
    return {"title": TITLES[name], "text": value, "interval": interval, **entry}


def _uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


@functools.cache
def _bar(signed: bool) -> str:
    return _uri(colour_bar_png(signed), "png")


@functools.cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("zoo.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(template: str, **values: Any) -> str:
    return _templates().get_template(template).render(version=__version__, **values)
