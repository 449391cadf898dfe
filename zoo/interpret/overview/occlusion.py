"""How much of the score is left when a part of every image is blurred away.

What is blurred keeps its brightness and no structure. The edge of the blurred part can still be
seen: without the lungs a network still sees their outline, which is why a box around them is
hidden too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zoo.base.explanations import Classifier
from zoo.base.number_text import value_text
from zoo.base.pictures.pixel_arrays import blurred
from zoo.interpret.overview.means import Patients, mean_difference
from zoo.interpret.overview.regions import BOX, EVERYTHING, LUNGS, OUTSIDE, REGIONS, regions
from zoo.stats import delong

MOST, LITTLE = 0.8, 0.2
"""Shares of the score above chance that count as most and as little of it."""


@dataclass(frozen=True)
class Hidden:
    """The ROC-AUC with a region as it is and hidden, on the same images, and the drop.

    `area` is the mean share of the picture, 0 to 1; `before` and `after` are {value, low, high},
    `drop` is {value, low, high, p} of before less after, paired by patient. Values are None where
    a class has no image.
    """

    region: str
    area: float
    images: int
    before: Mapping[str, float | None]
    after: Mapping[str, float | None]
    drop: Mapping[str, float | None]

    def to_record(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def hide(
    pixels: np.ndarray, lungs: Sequence[np.ndarray | None]
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Blur each region of `(batch, height, width, channels)` uint8 in turn.

    `lungs[i]` is `(height, width)` bool, or None when they are not known. Returns by region the
    images with it hidden, `(some, height, width, channels)`; their rows in the batch, `(some,)`;
    and the share of the picture that was hidden, `(some,)`.
    """
    parts = [regions(pixels.shape[1:3], mask) for mask in lungs]
    blurs = [blurred(image) for image in pixels]
    hidden = {}
    for region in REGIONS:
        rows = [row for row, part in enumerate(parts) if region in part]
        if rows:
            shown = [np.where(parts[r][region][..., None], blurs[r], pixels[r]) for r in rows]
            areas = [parts[r][region].mean() for r in rows]
            hidden[region] = (np.stack(shown), np.array(rows), np.array(areas))
    return hidden


def hidden_answers(
    classifier: Classifier, pixels: np.ndarray, lungs: Sequence[np.ndarray | None]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return for every region what the network answers when it is hidden, and how much that is.

    Logits are `(batch, classes)`, areas `(batch,)`; the rows of images without that region are
    NaN.
    """
    hidden, given, boxes = hide(pixels, lungs), {}, classifier.boxes(pixels)
    for region in REGIONS:
        logits = np.full((len(pixels), len(classifier.class_names)), np.nan, np.float32)
        areas = np.full(len(pixels), np.nan)
        if region in hidden:
            shown, rows, shares = hidden[region]
            logits[rows], areas[rows] = classifier.logits(shown, boxes[rows]), shares
        given[region] = (logits, areas)
    return given


def occlusion_effect(
    scores: np.ndarray,
    hidden: Mapping[str, tuple[np.ndarray, np.ndarray]],
    truth: np.ndarray,
    patients: Patients,
) -> tuple[Hidden, ...]:
    """Compare the ROC-AUC of `(n,)` scores with that of each region hidden.

    `hidden` holds for each region `(n,)` scores and `(n,)` areas, NaN where an image has no such
    region; these are left out on both sides. `truth` is `(n,)` bool.
    """
    people, effects = np.asarray(patients), []
    for region, (others, areas) in hidden.items():
        known = np.isfinite(others)
        if not known.any():
            continue
        labels_known, who = truth[known], people[known]
        before, after = (
            delong.influence(labels_known, values[known]) for values in (scores, others)
        )
        effects.append(
            Hidden(
                region,
                float(areas[known].mean()),
                int(known.sum()),
                delong.roc_auc(labels_known, scores[known], who),
                delong.roc_auc(labels_known, others[known], who),
                mean_difference(*before, *after, who),
            )
        )
    return tuple(effects)


def log_odds(logits: np.ndarray, positive: int) -> np.ndarray:
    """Return `(n,)` log-odds of the positive class against all others, NaN rows kept.

    A probability near 1 would be rounded, and images that differ would become equal.
    """
    from scipy.special import logsumexp

    logits = logits.astype(np.float64)
    return logits[:, positive] - logsumexp(np.delete(logits, positive, axis=1), axis=1)


def survives(effects: Sequence[Hidden]) -> str:
    """Say whether the score survives without the lungs; empty when that was not measured.

    It counts as surviving as far as it does without the box around them, too.
    """
    by_region = {hidden.region: hidden for hidden in effects}
    without = by_region.get(LUNGS)
    if without is None or without.before["value"] is None or without.after["value"] is None:
        return ""
    before, lowest = without.before["value"], without.before["low"]
    if _reversed(without.before):
        return (
            f"The score itself, {value_text(without.before)}, is below chance: the network ranks "
            "the classes the wrong way round, and what is hidden cannot tell why."
        )
    if lowest is None or lowest <= 0.5:
        return (
            f"The score itself, {value_text(without.before)}, is not clearly above chance, so "
            "nothing can be said of what it rests on."
        )
    hidden = [without.after, *(by_region[r].after for r in (BOX,) if r in by_region)]
    kept = min((area["value"] or 0) - 0.5 for area in hidden) / (before - 0.5)
    lowest_after = min(area["low"] or 0 for area in hidden)
    said = (
        f"The ROC-AUC of {value_text(without.before)} is {value_text(without.after)} with the "
        "lungs blurred."
    )
    if any(_reversed(area) for area in hidden):
        verdict = (
            "Turned round: without the lungs the classes are ranked the wrong way, which is not "
            "chance. Something else tells them apart."
        )
    elif lowest_after <= 0.5:
        verdict = "No: without the lungs it is not clearly better than chance."
    elif kept >= MOST:
        verdict = (
            "Yes: most of the score is there without the lungs. It may rest on something else."
        )
    elif kept <= LITTLE:
        verdict = "No: little of the score is left without the lungs."
    else:
        verdict = "Partly: a part of the score is there without the lungs."
    return " ".join([verdict, said, *_beside(by_region)])


def _reversed(area: Mapping[str, float | None]) -> bool:
    """Tell whether a ROC-AUC is below chance with its whole interval."""
    return area["high"] is not None and area["high"] < 0.5


def _beside(by_region: Mapping[str, Hidden]) -> list[str]:
    said = []
    if (box := by_region.get(BOX)) and box.after["value"] is not None:
        said.append(
            f"With a box around them blurred, outline and all, it is {value_text(box.after)}."
        )
    if (only := by_region.get(OUTSIDE)) and only.after["value"] is not None:
        said.append(f"With all but the lungs blurred it is {value_text(only.after)}.")
    if (floor := by_region.get(EVERYTHING)) and floor.after["value"] is not None:
        said.append(
            f"With everything blurred, when only rough brightness is left, it is "
            f"{value_text(floor.after)}."
        )
    return said
