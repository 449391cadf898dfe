"""The page of an overview: in sentences what a network goes by, then what shows it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zoo import DISCLAIMER
from zoo.base.number_text import percent, value_text
from zoo.report.cases.overlays import picture_jpeg
from zoo.report.drawing import Drawing
from zoo.report.figures.contact_sheet import Tile, contact_sheet, contact_sheet_png
from zoo.report.figures.forest import forest, forest_row
from zoo.report.figures.overview import embedding_figure, mean_maps_figure
from zoo.report.pages.overview_features import concepts_figure, feature_values
from zoo.report.pages.overview_tables import drop_row, flips_row, inside_rows, signed
from zoo.report.rendering import drawings, render

if TYPE_CHECKING:
    from zoo.interpret.overview.marker import Marked
    from zoo.interpret.overview.result import Overview

NO_PICTURES = (
    "This run keeps no pictures of its training cases, so that it can be handed on without them. "
    "Their names stand here instead: look them up where the data are at hand."
)
NO_ARTICLE = ("all but the lungs", "everything")
GROUPS = (
    ("What this network takes for typical", "typical"),
    ("What it does not", "not typical"),
)


def overview_page(
    overview: Overview,
    *,
    drawn: Mapping[str, Drawing] | None = None,
    information: Mapping[str, str] | None = None,
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page: a summary in sentences, figures, and the known cases.

    `drawn` holds what `figures` gave, so that it need not be drawn again.
    """
    pictures = figures(overview) if drawn is None else drawn
    return render(
        "overview.html.j2",
        title=f"What {overview.run} goes by",
        lead=_lead(overview),
        said=overview.summary(),
        notes=filter(None, [overview.notes.left_out]),  # the lead tells the rest
        occlusion=drawings(
            [
                (
                    "The score with a part hidden",
                    "ROC-AUC with its 95 % interval by patient. The first row is as it is.",
                    _hidden_alt(overview),
                    pictures.get("occlusion"),
                )
            ]
        ),
        hidden=_hidden_tiles(overview),
        drops=[drop_row(hidden) for hidden in overview.hidden],
        markers=drawings(
            [
                (
                    f"How far a letter moves the probability of {_positive(overview)}",
                    (
                        "Mean change on all images of a class, with its 95 % interval. Gray rows "
                        "are the placebo: the same letter, hardly to be seen."
                    ),
                    _marker_alt(overview),
                    pictures.get("markers"),
                )
            ]
        ),
        marked=_marked_tiles(overview),
        flips=[flips_row(entry, overview) for entry in overview.markers],
        negative=overview.negative,
        positive=_positive(overview),
        means=drawings(
            [
                (
                    "Mean maps",
                    _frame(overview),
                    (
                        "Mean map of each method over the mean image of each class; where the "
                        "evidence lies is told in numbers below."
                    ),
                    pictures.get("mean_maps"),
                )
            ]
        ),
        inside=inside_rows(overview),
        points=drawings(
            [
                (
                    "Map of embeddings",
                    _points(overview),
                    f"Scatter plot of the images by class. {_points(overview)}",
                    pictures.get("embedding_map"),
                )
            ]
        ),
        sheets=_sheets(overview),
        **feature_values(overview, pictures),
        no_pictures="" if overview.reference.thumbnails else NO_PICTURES,
        synthetic=overview.synthetic,
        information=information or {},
        disclaimer=disclaimer,
    )


def figures(overview: Overview) -> dict[str, Drawing]:
    """Return every figure, by the name of its file without its suffix."""
    drawn = {
        "occlusion": _occlusion_figure(overview),
        "markers": _marker_figure(overview),
        "concepts": concepts_figure(overview),
        "mean_maps": mean_maps_figure(overview.means, overview.class_names),
        "embedding_map": (
            None
            if overview.points is None
            else embedding_figure(overview.points, overview.class_names)
        ),
    }
    return {name: picture for name, picture in drawn.items() if picture is not None}


def _occlusion_figure(overview: Overview) -> Drawing | None:
    rows = [forest_row("as it is", overview.area, quiet=True)]
    rows += [forest_row(_hidden(h.region), h.after) for h in overview.hidden]
    return forest(rows, "ROC-AUC", lines={0.5: "chance"}) if any(rows[1:]) else None


def _marker_figure(overview: Overview) -> Drawing | None:
    rows = [
        forest_row(f"{entry.kind}, {entry.corner}: {name}", moved, quiet=entry.kind == "gray")
        for entry in overview.markers
        for name, moved in _moves(entry, overview)
    ]
    return forest(rows, "change of the probability", lines={0.0: "none"}, signed=True)


def prototype_sheet(overview: Overview) -> bytes | None:
    """Draw the prototypes and criticisms as a PNG file; None where no pictures are kept."""
    pictures = overview.reference.thumbnails
    tiles = [
        (_decoded(pictures[row]), overview.reference.names[row], f"{name}: {kind}")
        for label, groups in overview.prototypes.items()
        for (_, kind), rows in zip(GROUPS, groups, strict=True)
        for row in rows
        if pictures
        for name in [overview.class_names[label]]
    ]
    return contact_sheet_png(tiles, title="Prototypes and criticisms") if tiles else None


def _decoded(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def _lead(overview: Overview) -> str:
    which = "of the run's test part" if overview.own else "that the run has not been trained on"
    masks = "" if overview.masks is None else f", {overview.masks:,} with a lung mask"
    refused = sum(overview.refused.values())
    rest = f" of {_positive(overview)} against the rest" if len(overview.class_names) > 2 else ""
    return (
        f"{overview.images:,} of {overview.available:,} images {which} "
        f"({Path(overview.source).name}), of "
        f"{overview.patients:,} patients{masks}. ROC-AUC{rest} {value_text(overview.area)}, "
        f"{percent(overview.accuracy)} answered rightly, {refused:,} refused."
    )


def _positive(overview: Overview) -> str:
    return overview.class_names[overview.positive]


def _hidden(region: str) -> str:
    return f"hidden: {region}" if region in NO_ARTICLE else f"hidden: the {region}"


def _hidden_alt(overview: Overview) -> str:
    rows = [f"{_hidden(h.region)} {value_text(h.after)}" for h in overview.hidden]
    return f"ROC-AUC as it is {value_text(overview.area)}; {'; '.join(rows)}."


def _marker_alt(overview: Overview) -> str:
    rows = [
        f"{entry.kind} letter {entry.corner} on {name} {signed(moved)}"
        for entry in overview.markers
        for name, moved in _moves(entry, overview)
    ]
    return f"Change of the probability: {'; '.join(rows)}."


def _moves(entry: Marked, overview: Overview) -> tuple[tuple[str, Mapping[str, float | None]], ...]:
    return (overview.negative, entry.moved), (_positive(overview), entry.back_moved)


def _hidden_tiles(overview: Overview) -> list[dict[str, str]]:
    shown = {hidden.region: f"{percent(hidden.area)} of the picture" for hidden in overview.hidden}
    return _tiles(overview, {"as it is": "", **shown})


def _marked_tiles(overview: Overview) -> list[dict[str, str]]:
    return _tiles(overview, {f"{entry.kind} {entry.corner}": "" for entry in overview.markers})


def _tiles(overview: Overview, texts: Mapping[str, str]) -> list[dict[str, str]]:
    tiles = [
        Tile(picture_jpeg(overview.pictures[name], shape=overview.shape), name, text)
        for name, text in texts.items()
        if name in overview.pictures
    ]
    return contact_sheet(tiles)


def _frame(overview: Overview) -> str:
    if overview.means.aligned:
        return (
            "Of images called that class (their number in brackets), moved so that all lungs lie "
            "on the same place; the line is where half of them have lungs. Brighter is more "
            "evidence, on each picture's own scale."
        )
    return (
        "Of images called that class (their number in brackets), not aligned, since no lung masks "
        "were given. Brighter is more evidence, on each picture's own scale."
    )


def _points(overview: Overview) -> str:
    if overview.points is None:
        return ""
    counts = overview.points.to_record()
    return (
        f"{counts['evaluated']:,} images, of which {counts['misclassified']:,} were answered "
        f"wrongly (crosses) and {counts['refused']:,} refused (rings), among "
        f"{counts['reference']:,} training cases (small dots), by t-SNE. Neighbours are alike to "
        f"the network (kept to {percent(counts['trustworthiness'])}); distances between groups "
        "mean nothing."
    )


def _sheets(overview: Overview) -> list[dict[str, Any]]:
    """Return for each class both groups, as tiles or, where no pictures are kept, as names."""
    cases = overview.reference
    return [
        {
            "name": overview.class_names[label],
            "groups": [
                {
                    "title": title,
                    "tiles": contact_sheet(
                        [Tile(cases.thumbnails[row], cases.names[row]) for row in rows]
                        if cases.thumbnails
                        else []
                    ),
                    "names": [] if cases.thumbnails else [cases.names[row] for row in rows],
                }
                for (title, _), rows in zip(GROUPS, groups, strict=True)
                if rows
            ],
        }
        for label, groups in overview.prototypes.items()
    ]
