"""A figure by group: the value with its interval in each, and over all images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.report.drawing import Drawing
from zoo.report.figures.forest import forest, forest_row
from zoo.report.tables import TITLES


def group_forest(found: Mapping[str, Any], key: str, overall: Mapping[str, Any]) -> Drawing | None:
    """Draw one metric of `zoo.stats.groups.by_group` as a forest plot; None where it is undefined.

    Groups that are not compared in it are gray; a dashed line marks the value over all images.
    """
    rows = [
        forest_row(
            f"{entry['name']} ({entry['images']:,} image{'' if entry['images'] == 1 else 's'})",
            entry["metrics"][key],
            quiet=not entry["metrics"][key]["compared"],
        )
        for entry in found["groups"]
    ]
    known = overall["value"] is not None
    return forest(rows, TITLES[key], lines={overall["value"]: "all images"} if known else {})
