"""The page of a learning curve over data: what more images would bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import DISCLAIMER
from zoo.base.types import EMPTY
from zoo.report.figures.learning import known, learning_figure
from zoo.report.rendering import command_line, drawings, render
from zoo.report.tables import TITLES, against, metric_text


def learning_page(
    result: Mapping[str, Any],
    *,
    title: str = "",
    information: Mapping[str, Any] = EMPTY,
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page for the plain data of a learning curve.

    `result` holds architecture, data, class_names, positive, metric, points (share, patients,
    images and the scores of each seed on train, validation and test), extrapolation (as
    `stats.power_law.extrapolate` gives it, of errors; None when there is no fit), sentence, notes,
    command and synthetic.
    """
    metric = TITLES.get(result["metric"], result["metric"])
    data = result["data"]
    drawn = [
        (
            f"{metric} over the number of training images",
            (
                "Lines are means over the seeds, bands reach from the lowest to the highest seed. "
                "The gray band is the power law that was fitted to the test part, with its 95 % "
                "interval. A gap between training and test that does not close asks for another "
                "network or other data, not for more of the same."
            ),
            f"Learning curve of {result['architecture']}; the numbers are in the table below.",
            learning_figure(result),
        )
    ]
    return render(
        "learning.html.j2",
        title=title or f"Would more images help {result['architecture']}?",
        lead=(
            f"{metric}, trained on growing shares of {data['images']:,} images of "
            f"{data['patients']:,} patients from {data['source']}. "
            f"{against(result['class_names'], result['positive'])}"
        ),
        sentence=result["sentence"],
        fitted=_fitted(result.get("extrapolation"), metric),
        metric=metric,
        points=[_point(point) for point in result["points"]],
        figures=drawings(drawn),
        command=command_line(result["command"]) if result["command"] else "",
        information=information,
        notes=result["notes"],
        synthetic=result["synthetic"],
        disclaimer=disclaimer,
    )


def _fitted(extrapolation: Mapping[str, Any] | None, metric: str) -> list[dict[str, str]]:
    """Write what the law says as scores; it was fitted to errors, one minus the score."""
    if not extrapolation:
        return []
    now, then = extrapolation["images"], round(extrapolation["curve"]["images"][-1])
    rows = [
        (f"{metric} with {now:,} images, as now", _score(extrapolation["now"])),
        (f"{metric} with {then:,} images", _score(extrapolation["then"])),
        ("Gain", extrapolation["gain"]),
        (f"Highest {metric}, with endless data", _score(extrapolation["limit"])),
        ("Exponent of the power law", extrapolation["exponent"]),
    ]
    return [
        {"title": title, **dict(zip(("text", "interval"), metric_text(entry), strict=True))}
        for title, entry in rows
    ]


def _score(error: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the interval of an error into that of the score: its ends change places."""
    turned = {"value": error["value"], "low": error["high"], "high": error["low"]}
    return {key: None if value is None else 1 - value for key, value in turned.items()}


def _point(point: Mapping[str, Any]) -> dict[str, Any]:
    cells = []
    for name in ("train", "validation", "test"):
        values = known(point, name)
        mean = f"{sum(values) / len(values):.3f}" if values else "-"
        spread = f"{min(values):.3f}-{max(values):.3f}" if len(values) > 1 else ""
        cells.append({"text": mean, "interval": spread})
    return {
        "share": f"{100 * point['share']:.3g}",
        "images": point["images"],
        "patients": point["patients"],
        "cells": cells,
    }
