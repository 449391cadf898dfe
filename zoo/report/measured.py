"""Rows of the table that shows values, intervals and where they lie (macro `measured`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.report.tables import TITLES, written


def metric_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each metric of a result of `zoo.metrics.evaluate`."""
    return [row(TITLES[name], entry) for name, entry in result["metrics"].items()]


def baseline_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the ROC-AUC of the run and of its baselines; none when there is no baseline."""
    baselines = result.get("baselines")
    if not baselines:
        return []
    own = row("this run", result["metrics"]["roc_auc"])
    return [own, *(row(entry["title"], entry["roc_auc"], quiet=True) for entry in baselines)]


def row(title: str, entry: Mapping[str, Any], quiet: bool = False) -> dict[str, Any]:
    """Make a row of a {value, low, high, note}; `quiet` ones are drawn in gray."""
    text, interval = written(entry)
    return {"note": "", **entry, "title": title, "text": text, "interval": interval, "quiet": quiet}
