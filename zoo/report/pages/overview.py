"""The page of an overview: in sentences what a network goes by, then what shows it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zoo import DISCLAIMER
from zoo.base.pixel_arrays import encode_jpeg
from zoo.report.figures.contact_sheet import Tile, contact_sheet, contact_sheet_png
from zoo.report.figures.forest import forest, forest_row
from zoo.report.figures.overview import embedding_figure, mean_maps_figure
from zoo.report.pages.belief import percent, value_text
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
    found: Overview,
    *,
    drawn: Mapping[str, bytes] | None = None,
    information: Mapping[str, str] | None = None,
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page: a summary in sentences, figures, and the known cases.

    `drawn` holds what `figures` gave, so that it need not be drawn again.
    """
    pictures = figures(found) if drawn is None else drawn
    return render(
        "overview.html.j2",
        title=f"What {found.run} goes by",
        lead=_lead(found),
        said=found.summary(),
        notes=filter(None, [found.notes.left_out]),  # the lead tells the rest
        occlusion=drawings(
            [
                (
                    "The score with a part hidden",
                    "ROC-AUC with its 95 % interval by patient. The first row is as it is.",
                    _hidden_alt(found),
                    pictures.get("occlusion"),
                )
            ]
        ),
        hidden=_hidden_tiles(found),
        drops=[drop_row(hidden) for hidden in found.hidden],
        markers=drawings(
            [
                (
                    f"How far a letter moves the probability of {_positive(found)}",
                    (
                        "Mean change on all images of a class, with its 95 % interval. Gray rows "
                        "are the placebo: the same letter, hardly to be seen."
                    ),
                    _marker_alt(found),
                    pictures.get("markers"),
                )
            ]
        ),
        marked=_marked_tiles(found),
        flips=[flips_row(entry, found) for entry in found.markers],
        negative=found.negative,
        positive=_positive(found),
        means=drawings(
            [
                (
                    "Mean maps",
                    _frame(found),
                    (
                        "Mean map of each method over the mean image of each class; where the "
                        "evidence lies is told in numbers below."
                    ),
                    pictures.get("mean_maps"),
                )
            ]
        ),
        inside=inside_rows(found),
        points=drawings(
            [
                (
                    "Map of embeddings",
                    _points(found),
                    f"Scatter plot of the images by class. {_points(found)}",
                    pictures.get("embedding_map"),
                )
            ]
        ),
        sheets=_sheets(found),
        no_pictures="" if found.reference.thumbnails else NO_PICTURES,
        synthetic=found.synthetic,
        information=information or {},
        disclaimer=disclaimer,
    )


def figures(found: Overview) -> dict[str, bytes]:
    """Return every figure as a PNG file, by the name of the file without its suffix."""
    drawn = {
        "occlusion": _occlusion_figure(found),
        "markers": _marker_figure(found),
        "mean_maps": mean_maps_figure(found.means, found.class_names),
        "embedding_map": (
            None if found.points is None else embedding_figure(found.points, found.class_names)
        ),
        "prototypes": _prototype_figure(found),
    }
    return {name: picture for name, picture in drawn.items() if picture is not None}


def _occlusion_figure(found: Overview) -> bytes | None:
    rows = [forest_row("as it is", found.area, quiet=True)]
    rows += [forest_row(_hidden(h.region), h.after) for h in found.hidden]
    return forest(rows, "ROC-AUC", lines={0.5: "chance"}) if any(rows[1:]) else None


def _marker_figure(found: Overview) -> bytes | None:
    rows = [
        forest_row(f"{entry.kind}, {entry.corner}: {name}", moved, quiet=entry.kind == "gray")
        for entry in found.markers
        for name, moved in _moves(entry, found)
    ]
    return forest(rows, "change of the probability", lines={0.0: "none"}, signed=True)


def _prototype_figure(found: Overview) -> bytes | None:
    pictures = found.reference.thumbnails
    tiles = [
        (_decoded(pictures[row]), found.reference.names[row], f"{name}: {kind}")
        for label, groups in found.prototypes.items()
        for (_, kind), rows in zip(GROUPS, groups, strict=True)
        for row in rows
        if pictures
        for name in [found.class_names[label]]
    ]
    return contact_sheet_png(tiles, title="Prototypes and criticisms") if tiles else None


def _decoded(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def _lead(found: Overview) -> str:
    which = "of the run's test part" if found.own else "that the run has not been trained on"
    masks = "" if found.masks is None else f", {found.masks:,} with a lung mask"
    refused = sum(found.refused.values())
    rest = f" of {_positive(found)} against the rest" if len(found.class_names) > 2 else ""
    return (
        f"{found.images:,} of {found.available:,} images {which} ({Path(found.source).name}), of "
        f"{found.patients:,} patients{masks}. ROC-AUC{rest} {value_text(found.area)}, "
        f"{percent(found.accuracy)} answered rightly, {refused:,} refused."
    )


def _positive(found: Overview) -> str:
    return found.class_names[found.positive]


def _hidden(region: str) -> str:
    return f"hidden: {region}" if region in NO_ARTICLE else f"hidden: the {region}"


def _hidden_alt(found: Overview) -> str:
    rows = [f"{_hidden(h.region)} {value_text(h.after)}" for h in found.hidden]
    return f"ROC-AUC as it is {value_text(found.area)}; {'; '.join(rows)}."


def _marker_alt(found: Overview) -> str:
    rows = [
        f"{entry.kind} letter {entry.corner} on {name} {signed(moved)}"
        for entry in found.markers
        for name, moved in _moves(entry, found)
    ]
    return f"Change of the probability: {'; '.join(rows)}."


def _moves(entry: Marked, found: Overview) -> tuple[tuple[str, Mapping[str, float | None]], ...]:
    return (found.negative, entry.moved), (_positive(found), entry.back_moved)


def _hidden_tiles(found: Overview) -> list[dict[str, str]]:
    shown = {hidden.region: f"{percent(hidden.area)} of the picture" for hidden in found.hidden}
    return _tiles(found, {"as it is": "", **shown})


def _marked_tiles(found: Overview) -> list[dict[str, str]]:
    return _tiles(found, {f"{entry.kind} {entry.corner}": "" for entry in found.markers})


def _tiles(found: Overview, texts: Mapping[str, str]) -> list[dict[str, str]]:
    tiles = [
        Tile(encode_jpeg(found.pictures[name]), name, text)
        for name, text in texts.items()
        if name in found.pictures
    ]
    return contact_sheet(tiles)


def _frame(found: Overview) -> str:
    if found.means.aligned:
        return (
            "Of images called that class (their number in brackets), moved so that all lungs lie "
            "on the same place; the line is where half of them have lungs. Brighter is more "
            "evidence, on each picture's own scale."
        )
    return (
        "Of images called that class (their number in brackets), not aligned, since no lung masks "
        "were given. Brighter is more evidence, on each picture's own scale."
    )


def _points(found: Overview) -> str:
    if found.points is None:
        return ""
    counts = found.points.to_record()
    return (
        f"{counts['evaluated']:,} images, of which {counts['misclassified']:,} were answered "
        f"wrongly (crosses) and {counts['refused']:,} refused (rings), among "
        f"{counts['reference']:,} training cases (small dots), by t-SNE. Neighbours are alike to "
        f"the network (kept to {percent(counts['trustworthiness'])}); distances between groups "
        "mean nothing."
    )


def _sheets(found: Overview) -> list[dict[str, Any]]:
    """Return for each class both groups, as tiles or, where no pictures are kept, as names."""
    cases = found.reference
    return [
        {
            "name": found.class_names[label],
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
        for label, groups in found.prototypes.items()
    ]
