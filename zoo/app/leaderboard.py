"""The finished runs of a folder beside each other, as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.app.known import shown
from zoo.errors import DamagedRun
from zoo.report.tables import TITLES, written
from zoo.runs import Run
from zoo.types import TEST

METRICS = ("roc_auc", "accuracy", "sensitivity", "specificity")
HEADINGS = tuple(TITLES[name] for name in METRICS)


def rows(finished: Sequence[Run]) -> list[dict[str, Any]]:
    """Return a row for each run, the one with the greatest ROC-AUC on its test part first."""
    made = [row(run) for run in finished]
    return sorted(made, key=lambda one: one["cells"][0]["value"], reverse=True)


def row(run: Run) -> dict[str, Any]:
    """Return what the table shows of a run; what cannot be read is sorted last."""
    try:
        scores: Mapping[str, Any] = run.metrics()[TEST]["metrics"]
        cells = [_cell(scores[name]) for name in METRICS]
    except (DamagedRun, KeyError, TypeError):
        cells = [{"value": -1, "text": "damaged", "interval": ""}] * len(METRICS)
    training = run.record["training"]
    return {
        "name": run.name,
        "architecture": run.record["architecture"],
        "data": shown(run.record["data"]["source"]),
        "synthetic": bool(run.record["data"].get("synthetic")),
        "cells": cells,
        "epochs": training.get("epochs", 0),
        "best": training.get("best_epoch", 0),
        "created": run.record.get("created", ""),
    }


def _cell(entry: Mapping[str, Any]) -> dict[str, Any]:
    text, interval = written(entry)
    value = -1 if entry["value"] is None else entry["value"]
    return {"value": value, "text": text, "interval": interval.replace("-", " to ")}
