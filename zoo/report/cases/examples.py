"""The known cases of an explained image, made ready to be drawn: captions, pictures, matches."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from zoo.base.explanations import Attribution, Examples, Group, Neighbour
from zoo.base.pictures.pixel_arrays import encode_jpeg
from zoo.interpret.case import Case
from zoo.report.cases.overlays import overlay
from zoo.report.cases.text import agreement_text, credibility_text, fact, neighbour_label, thumbnail
from zoo.report.rendering import uri

READINGS = {
    "contribution": "The same features decide, in the same proportions.",
    "almost": "The network answers the same for these, though barely.",
    "pushed": (
        "Training pictures, each with its own label. One of another class speaks for the answer, "
        "too, when the image looks different from it."
    ),
    "pulled": (
        "Training pictures that speak against the answer: of another class and like the image, or "
        "of the same class and unlike it."
    ),
}
"""How to read the groups that do not explain themselves, by name."""
PAIR_SIDE = 256
"""Pixels of the shorter side of a picture that shows matching regions."""
NO_PICTURES = (
    "Pictures of known cases are missing because the run keeps none: it was trained with "
    "--reference none. The names tell where to look them up."
)


@dataclass(frozen=True, eq=False)
class Pair:
    """The image and a known case, each `(height, width, 3)` uint8, coloured where they match."""

    image: np.ndarray
    case: np.ndarray
    neighbour: Neighbour


def examples_parts(case: Case) -> list[dict[str, Any]]:
    """Return what `templates/examples.html.j2` shows of each method.

    A known case is drawn once, in the first group that has it; later ones refer to it by name.
    """
    drawn: set[int] = set()
    return [_part(case, examples, drawn) for examples in case.examples]


def newly(group: Group, drawn: set[int]) -> tuple[list[Neighbour], list[Neighbour]]:
    """Divide a group into cases to be drawn, which `drawn` then has, and those drawn before."""
    fresh = [neighbour for neighbour in group.cases if neighbour.index not in drawn]
    again = [neighbour for neighbour in group.cases if neighbour.index in drawn]
    drawn.update(neighbour.index for neighbour in fresh)
    return fresh, again


def short_name(case: Case, neighbour: Neighbour) -> str:
    """Return the name of a known case without its folders."""
    return _name(case, neighbour).replace("\\", "/").rpartition("/")[2]


def _part(case: Case, examples: Examples, drawn: set[int]) -> dict[str, Any]:
    groups = [_group(case, group, drawn) for group in examples.groups if group.cases]
    return {
        "method": examples.method,
        "summary": case.summaries.get(examples.method, ""),
        "target": case.class_names[examples.target],
        "agreement": agreement_text(case, examples),
        "credibility": credibility_text(examples),
        "no_pictures": no_pictures(case),
        "groups": groups,
        "facts": [fact(*item) for item in examples.details.items() if item[0] != "neighbours"],
    }


def no_pictures(case: Case) -> str:
    """Say why there are no pictures of known cases; empty when there are."""
    kept = case.reference is None or case.reference.thumbnails or not case.reference.names
    return "" if kept else NO_PICTURES


def pairs(case: Case, neighbours: Sequence[Neighbour]) -> Iterator[Pair]:
    """Yield those known cases whose matching regions and pictures are known."""
    for neighbour in neighbours:
        encoded = thumbnail(case, neighbour)
        if neighbour.regions is None or not encoded:
            continue
        of_image, other = neighbour.regions
        pixels = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
        image = _coloured(case.pixels, of_image, case.shape)
        yield Pair(image, _coloured(pixels, other), neighbour)


def measured(group: Group, neighbour: Neighbour) -> str:
    """Write why a case is in its group: `cosine distance 0.12`."""
    value = neighbour.distance
    digits = f"{value:.1g}" if 0 < abs(value) < 0.01 else f"{value:.2f}"
    return f"{group.measure} {digits}"


def _group(case: Case, group: Group, drawn: set[int]) -> dict[str, Any]:
    fresh, again = newly(group, drawn)
    return {
        "title": group.title,
        "reading": READINGS.get(group.name, ""),
        "cases": [_neighbour(case, group, neighbour) for neighbour in fresh],
        "again": [_told(case, group, neighbour) for neighbour in again],
        "pairs": [
            {
                "image": uri(encode_jpeg(pair.image), "jpeg"),
                "case": uri(encode_jpeg(pair.case), "jpeg"),
                "label": neighbour_label(case, pair.neighbour),
                "name": _name(case, pair.neighbour),
            }
            for pair in pairs(case, fresh)
        ],
    }


def _neighbour(case: Case, group: Group, neighbour: Neighbour) -> dict[str, Any]:
    encoded = thumbnail(case, neighbour)
    picture = uri(encoded, "jpeg") if encoded else None
    return {**_told(case, group, neighbour), "picture": picture}


def _told(case: Case, group: Group, neighbour: Neighbour) -> dict[str, Any]:
    return {
        "name": _name(case, neighbour),
        "short": short_name(case, neighbour),
        "label": neighbour_label(case, neighbour),
        "measured": measured(group, neighbour),
        "note": neighbour.note,
    }


def _name(case: Case, neighbour: Neighbour) -> str:
    return case.reference.names[neighbour.index] if case.reference else ""


def _coloured(
    pixels: np.ndarray, values: np.ndarray, shape: tuple[int, int] | None = None
) -> np.ndarray:
    """Draw matching regions over a picture, as far as they stand out from their mean.

    They are coarse, so they are smoothed to the picture's size.
    """
    height, width = pixels.shape[:2]
    regions = Image.fromarray(np.maximum(values - values.mean(), 0).astype(np.float32))
    smooth = np.asarray(regions.resize((width, height), Image.Resampling.BILINEAR))
    drawn = Image.fromarray(overlay(pixels, Attribution("regions", 0, smooth), shape=shape))
    scale = PAIR_SIDE / min(drawn.size)
    size = (round(drawn.width * scale), round(drawn.height * scale))
    return np.asarray(drawn.resize(size, Image.Resampling.BILINEAR))
