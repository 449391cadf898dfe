"""The curves of several runs over each other.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from zoo.base.errors import InvalidSetting, UnknownName
from zoo.base.types import TEST
from zoo.runs import run_folder
from zoo.runs.history import read_history
from zoo.runs.run_folder import Run
from zoo.web.app import listed_runs, templating
from zoo.web.app.plots import SERIES, Line, Plot
from zoo.web.app.run_view import scores
from zoo.web.app.shared import Shared
from zoo.web.service.bodies import Route

ADDRESS = "/run-curves"


def router(shared: Shared) -> APIRouter:
    """Return the route of the page."""
    routes = APIRouter(route_class=Route)

    @routes.get(ADDRESS)
    def overlaid(run: Annotated[list[str] | None, Query(max_length=100)] = None) -> Response:
        names = list(dict.fromkeys(run or ()))
        if not 1 < len(names) <= SERIES:
            raise InvalidSetting(
                f"{len(names)} runs were chosen. Choose two to {SERIES} in the list of runs."
            )
        runs = [listed_runs.finished(shared, name) for name in names]
        return templating.page(
            "run_curves.html.j2",
            here=listed_runs.PAGE,
            runs=[(one, listed_runs.path_of(one)) for one in runs],
            same=same_images(runs),
            plots=[*of_scores(runs), *of_epochs(runs)],
            synthetic=any(one.record["data"]["synthetic"] for one in runs),
        )

    return routes


def same_images(runs: Sequence[Run]) -> bool:
    """Tell whether the test parts of all runs are the same images."""
    parts = {tuple(sorted(run.record["splits"][TEST]["members"])) for run in runs}
    return len(parts) == 1


def of_scores(runs: Sequence[Run]) -> list[Plot]:
    """Return the ROC and precision-recall curves of runs with two classes on their test parts."""
    found = [(place, run, _curve(run)) for place, run in enumerate(runs)]
    known = [(place, run, curve) for place, run, curve in found if curve]
    if not known:
        return []

    def lines(kind: str, area: str) -> list[Line]:
        return [
            Line(run.name, curve[kind]["x"], curve[kind]["y"], f"{curve[area]:.3f}", series=place)
            for place, run, curve in known
        ]

    return [
        Plot(
            "ROC curves",
            "On each run's own test part; up and to the left is better.",
            "1 - specificity",
            "sensitivity",
            lines("roc", "roc_auc"),
            diagonal=True,
        ),
        Plot(
            "Precision and recall",
            "On each run's own test part; up and to the right is better.",
            "sensitivity (recall)",
            "positive predictive value",
            lines("pr", "pr_auc"),
        ),
    ]


def of_epochs(runs: Sequence[Run]) -> list[Plot]:
    """Return loss and ROC-AUC on validation, epoch by epoch."""
    histories = [(place, run, _history(run)) for place, run in enumerate(runs)]
    drawn = []
    for column, title, best in (
        ("val_loss", "Validation loss", min),
        ("val_roc_auc", "Validation ROC-AUC", max),
    ):
        lines = [_line(place, run, rows, column, best) for place, run, rows in histories]
        known = [line for line in lines if line]
        if not known:
            continue
        values = [value for line in known for value in line.y]
        low, high = min(values), max(values)
        edge = 0.05 * (high - low) or 0.05
        top = high + edge if best is min else min(1.0, high + edge)
        drawn.append(
            Plot(
                title,
                f"After each epoch; the number is the {'least' if best is min else 'greatest'}.",
                "epoch",
                title.lower().replace("roc-auc", "ROC-AUC"),
                known,
                x_range=(1, max(2, *(line.x[-1] for line in known))),
                y_range=(low - edge, top),
                whole=True,
            )
        )
    return drawn


def _curve(run: Run) -> dict[str, Any] | None:
    curves = scores(run).get("curves") or ()
    return curves[0] if len(run.class_names) == 2 and curves else None


def _history(run: Run) -> list[dict[str, Any]]:
    try:
        return read_history(listed_runs.file_of(run, run_folder.HISTORY))
    except (OSError, ValueError, TypeError, UnknownName):
        return []


def _line(
    place: int,
    run: Run,
    rows: Sequence[dict[str, Any]],
    column: str,
    best: Callable[[Sequence[float]], float],
) -> Line | None:
    """Return one run's curve of a column; None where it has no finite value."""
    points = [
        (number, row[column])
        for number, row in enumerate(rows, start=1)
        if isinstance(row.get(column), float) and math.isfinite(row[column])
    ]
    if not points:
        return None
    x, y = zip(*points, strict=True)
    return Line(run.name, x, y, f"{best(y):.3f}", series=place)
