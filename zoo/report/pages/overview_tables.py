"""Rows of the tables of an overview, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.base.number_text import UNDEFINED, percent, value_text
from zoo.report.tables import difference_text, joined

if TYPE_CHECKING:
    from zoo.interpret.overview.marker import Marked
    from zoo.interpret.overview.occlusion import Hidden
    from zoo.interpret.overview.result import Overview


def drop_row(hidden: Hidden) -> dict[str, str]:
    """Write what hiding a region cost."""
    drop = hidden.drop
    return {
        "region": hidden.region,
        "area": percent(hidden.area),
        "images": f"{hidden.images:,}",
        "after": value_text(hidden.after),
        "drop": signed(drop),
    }


def flips_row(entry: Marked, overview: Overview) -> dict[str, str]:
    """Write what a marker turned, in percent and percentage points."""
    beyond = overview.beyond_placebo[entry.corner] if entry.kind == "bright" else None
    return {
        "name": f"{entry.kind}, {entry.corner}",
        "flips": f"{entry.flips:,} of {entry.images:,}",
        "share": share_text(entry.share),
        "back": f"{entry.back:,} of {entry.back_images:,}",
        "back_share": share_text(entry.back_share),
        "beyond": "" if beyond is None else signed(beyond, 1, 100),
    }


def inside_rows(overview: Overview) -> list[dict[str, str]]:
    """Write how much of the evidence of each method lies in each region."""
    return [
        {
            "method": method,
            "region": region,
            "share": share_text(entry),
            "area": percent(entry["area"]),
        }
        for method, regions in overview.means.inside.items()
        for region, entry in regions.items()
    ]


def signed(entry: Mapping[str, Any], digits: int = 3, factor: float = 1) -> str:
    """Write a difference with its interval, where it has one; a dash for what is undefined."""
    return joined(difference_text(entry, digits, factor))


def share_parts(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return a share and its interval in percent as text; a dash stands for what is undefined."""
    if entry["value"] is None:
        return UNDEFINED, ""
    reach = "" if entry["low"] is None else f"{100 * entry['low']:.1f} to {100 * entry['high']:.1f}"
    return percent(entry["value"]), reach


def share_text(entry: Mapping[str, Any]) -> str:
    """Write a share with its interval in percent; a dash for what is undefined."""
    return joined(share_parts(entry))
