"""Where a network looks on average: the mean map of the images it calls a class.

A single map says what moved one answer. The mean over many, with the lungs of all of them on the
same place, says what the network usually goes by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoo.base.explanations import Attribution
from zoo.base.number_text import percent
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.interpret.overview.means import Patients, mean_share
from zoo.interpret.overview.regions import (
    BORDERS,
    BOX,
    CENTRE,
    EVERYTHING,
    LUNGS,
    OUTSIDE,
    Box,
    bounding_box,
    moved,
    regions,
)

PREFERRED = "gradcam"
"""The method that the summary speaks of, where it was asked for."""
MUCH = 1.5
"""Times the share of the picture from which on a share of the evidence counts as much more."""


@dataclass(frozen=True, eq=False)
class ClassMean:
    """The mean of the images called one class, and of each method's maps of them.

    `image` is `(height, width)` float32, 0 to 255. `lungs` is `(height, width)` float32, in which
    share of the images a pixel is inside the lungs; None without masks. `maps` holds
    `(height, width)` float32 by method, which adds up to 1 as far as it is not moved out of the
    picture; `counted` how many images had any evidence. An image is missing from all of it when
    the others are aligned and it has no mask.
    """

    images: int
    image: np.ndarray
    lungs: np.ndarray | None
    maps: Mapping[str, np.ndarray]
    counted: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class MeanMaps:
    """The means by class (its index), and how much of the evidence lies in each region.

    `inside` holds by method and region {value, low, high} of the share of an image's evidence
    that lies there, with `area`, the region's mean share of the picture, and `images`.
    """

    aligned: bool
    classes: Mapping[int, ClassMean]
    inside: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def to_record(self) -> dict[str, Any]:
        """Return what is not an array as plain data for JSON."""
        return {
            "aligned": self.aligned,
            "images": {str(label): mean.images for label, mean in self.classes.items()},
            "counted": {str(label): dict(mean.counted) for label, mean in self.classes.items()},
            "inside": self.inside,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Return images, lungs and maps as 'image CLASS', 'lungs CLASS' and 'METHOD CLASS'."""
        arrays = {}
        for label, mean in self.classes.items():
            arrays[f"image {label}"] = mean.image
            if mean.lungs is not None:
                arrays[f"lungs {label}"] = mean.lungs
            arrays |= {f"{method} {label}": values for method, values in mean.maps.items()}
        return arrays


@dataclass(eq=False)
class _Sums:
    image: np.ndarray
    lungs: np.ndarray
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    images: int = 0


class Averager:
    """Adds up images and maps, so that memory does not grow with their number.

    With `frame`, the mean bounding box of the lungs, each image is moved so that its own lungs'
    box lies on it; images without a mask are then left out.
    """

    def __init__(self, frame: Box | None = None) -> None:
        self.frame = frame
        self._sums: dict[int, _Sums] = {}
        self._inside: dict[tuple[str, str], list[tuple[float, float, str]]] = {}

    def add(
        self,
        pixels: np.ndarray,
        target: int,
        maps: Sequence[Attribution],
        lungs: np.ndarray | None = None,
        patient: str = "",
    ) -> None:
        """Add one image, the class that was answered and the maps of that class.

        `pixels` is `(height, width, channels)` uint8, `lungs` `(height, width)` bool. Of signed
        maps the evidence for the class is taken; a map without any is left out.
        """
        evidence = {m.method: np.maximum(np.nan_to_num(m.values), 0) for m in maps}
        evidence = {method: values for method, values in evidence.items() if values.sum() > 0}
        self._locate(evidence, pixels.shape[:2], lungs, patient)
        gray = to_channels(pixels, 1)[..., 0].astype(np.float32)
        mask = np.zeros_like(gray) if lungs is None else lungs.astype(np.float32)
        if self.frame is not None:
            box = None if lungs is None else bounding_box(lungs)
            if box is None:
                return
            gray = moved(gray, box, self.frame, beyond="nearest")
            mask = moved(mask, box, self.frame)
            evidence = {m: moved(values, box, self.frame) for m, values in evidence.items()}
        sums = self._sums.setdefault(target, _Sums(np.zeros(gray.shape), np.zeros(gray.shape)))
        sums.images += 1
        sums.image += gray
        sums.lungs += mask
        for method, values in evidence.items():
            if (total := values.sum()) > 0:  # else all of it was moved out of the picture
                sums.maps[method] = sums.maps.get(method, 0) + values / total
                sums.counted[method] = sums.counted.get(method, 0) + 1

    def result(self) -> MeanMaps:
        """Return the means of what was added."""
        return MeanMaps(
            self.frame is not None,
            {label: self._mean(sums) for label, sums in sorted(self._sums.items())},
            self._shares(),
        )

    def _mean(self, sums: _Sums) -> ClassMean:
        return ClassMean(
            sums.images,
            (sums.image / sums.images).astype(np.float32),
            (sums.lungs / sums.images).astype(np.float32) if self.frame is not None else None,
            {m: (total / sums.counted[m]).astype(np.float32) for m, total in sums.maps.items()},
            dict(sums.counted),
        )

    def _locate(
        self,
        evidence: Mapping[str, np.ndarray],
        size: tuple[int, int],
        lungs: np.ndarray | None,
        patient: str,
    ) -> None:
        """Note how much of each map lies in each region, in the image's own frame."""
        for region, part in regions(size, lungs).items():
            if region in (BOX, OUTSIDE, EVERYTHING):  # the lungs tell as much
                continue
            for method, values in evidence.items():
                inside = float(values[part].sum() / values.sum())
                shares = self._inside.setdefault((method, region), [])
                shares.append((inside, float(part.mean()), patient))

    def _shares(self) -> dict[str, dict[str, dict[str, Any]]]:
        shares: dict[str, dict[str, dict[str, Any]]] = {}
        for (method, region), found in self._inside.items():
            inside, areas, patients = (np.array(column) for column in zip(*found, strict=True))
            shares.setdefault(method, {})[region] = {
                **_mean_of(inside, patients),
                "area": float(areas.mean()),
                "images": len(inside),
            }
        return shares


def _mean_of(values: np.ndarray, patients: Patients) -> dict[str, float | None]:
    return mean_share(np.clip(values, 0, 1), np.ones(len(values), bool), patients)


def looks(means: MeanMaps) -> str:
    """Say where the evidence of the first method lies; empty without a map."""
    if not means.inside:
        return ""
    method = PREFERRED if PREFERRED in means.inside else next(iter(means.inside))
    regions_of = means.inside[method]
    region = LUNGS if LUNGS in regions_of else CENTRE
    inside = regions_of[region]
    if inside["value"] is None or inside["low"] is None:
        return ""
    part, area = region, inside["area"]
    verb = "are" if region == LUNGS else "is"
    if inside["low"] > area:
        much = inside["value"] >= MUCH * area
        verdict = "more than by chance" if much else "little more than by chance"
    elif inside["high"] < area:
        verdict = "less than by chance"
    else:
        verdict = "no more than by chance"
    border = regions_of[BORDERS]
    reach = f"{percent(inside['low'], 0)} to {percent(inside['high'], 0)}"
    return (
        f"Of the evidence by {method}, {percent(inside['value'], 0)} ({reach}) lies in the {part}, "
        f"which {verb} {percent(area, 0)} of the "
        f"picture: {verdict}. {percent(border['value'], 0)} lies in the outer borders, which are "
        f"{percent(border['area'], 0)}."
    )
