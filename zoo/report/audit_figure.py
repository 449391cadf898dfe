"""The figure of an audit: how far each method leads, or falls behind, the best control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.report.forest import forest, forest_row

if TYPE_CHECKING:
    from zoo.trust.audit import Audit


def ranking_figure(audit: Audit) -> bytes | None:
    """Draw the score of each method and control, best first, as a PNG file."""
    rows = [forest_row(one.name, one.score, one.control) for one in audit.standings]
    label = "lead over the best control, in probability"
    return forest(rows, label, lines={0.0: "as good as the best control"}, signed=True)


def pointing_figure(audit: Audit) -> bytes | None:
    """Draw how often the highest value lies in the finding; None where findings are unknown."""
    rows = [
        forest_row(one.name, one.located["right"]["pointing"], one.control)
        for one in audit.standings
    ]
    return forest(rows, "share of images whose highest value lies in the finding", lines={})
