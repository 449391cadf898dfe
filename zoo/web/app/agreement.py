"""Where the answers and maps of several runs, or to several images, agree and differ, in words."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from zoo.base.explanations import Attribution
from zoo.base.number_text import probability
from zoo.interpret.case import Case
from zoo.interpret.trust.similarity import rank_correlation

if TYPE_CHECKING:
    from zoo.network.frame import Box

SIDE = 64
"""Maps are compared at this size, so that runs of any input can be."""
WHOLE = (0.0, 0.0, 1.0, 1.0)
"""The frame of a run that sees all of an image."""
LARGE = 0.2
"""Difference of two probabilities that is worth a remark."""


def titles(cases: Sequence[Case]) -> list[str]:
    """Return what tells each case from the others: its run, its image, or both."""
    runs, names = ({getattr(case, what) for case in cases} for what in ("run", "name"))
    if len(cases) == len(runs) and len(names) == 1:
        return [case.run for case in cases]
    return [case.name if len(runs) == 1 else f"{case.name}, {case.run}" for case in cases]


def answer_agreement(
    cases: Sequence[Case], positives: Sequence[int], *, several_images: bool = False
) -> list[str]:
    """Say who answers what, or what is answered to which image, and how far the probabilities lie
    apart.
    """
    by_answer: dict[str, list[str]] = {}
    for case, title in zip(cases, titles(cases), strict=True):
        by_answer.setdefault(case.refused or case.class_names[case.predicted], []).append(title)
    if len(by_answer) == 1:
        answer = next(iter(by_answer))
        told = f"They agree: {_all(len(cases))} answer {answer}."
        if several_images:
            told = f"The answer is the same to {_all(len(cases))}: {answer}."
    elif several_images:
        parts = [f"{answer} to {' and '.join(names)}" for answer, names in by_answer.items()]
        told = f"The answers differ: {'; '.join(parts)}."
    else:
        parts = [f"{_named(runs)} {answer}" for answer, runs in by_answer.items()]
        told = f"They differ: {'; '.join(parts)}."
    return [told, _spread(cases, positives)]


def map_agreement(cases: Sequence[Case]) -> list[tuple[str, float]]:
    """Return for each method that several runs have the mean rank correlation of their maps.

    1: all put the places of the image in the same order; 0: their orders have nothing in common.
    Only what all of them saw of it is compared; without such a part nothing is told.
    """
    part = _seen_by_all([case.box or WHOLE for case in cases])
    if part is None:
        return []
    maps: dict[str, list[np.ndarray]] = {}
    for case in cases:
        for attribution in case.attributions:
            maps.setdefault(attribution.method, []).append(_small(attribution, part))
    return [
        (method, float(np.mean([rank_correlation(*pair)[0] for pair in _pairs(attribution)])))
        for method, attribution in maps.items()
        if len(attribution) > 1
    ]


def _spread(cases: Sequence[Case], positives: Sequence[int]) -> str:
    names = {case.class_names for case in cases}
    if len(names) > 1 or len(set(positives)) > 1:
        return "They know different classes, so their probabilities cannot be compared."
    chances = [case.probabilities[positives[0]] for case in cases]
    low, high = min(chances), max(chances)
    positive = cases[0].class_names[positives[0]]
    if high - low < LARGE:
        return f"Their probabilities of {positive} are alike: {_range(low, high)}."
    return f"Their probabilities of {positive} lie far apart: {_range(low, high)}."


def _range(low: float, high: float) -> str:
    ends = probability(low), probability(high)
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _all(count: int) -> str:
    return "both" if count == 2 else f"all {count}"


def _named(runs: Sequence[str]) -> str:
    if len(runs) == 1:
        return f"{runs[0]} answers"
    return f"{', '.join(runs[:-1])} and {runs[-1]} answer"


def _seen_by_all(boxes: Sequence[Box]) -> Box | None:
    """Return what frames have in common; None where they do not meet."""
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    top, left, bottom, right = max(tops), max(lefts), min(bottoms), min(rights)
    return (top, left, bottom, right) if top < bottom and left < right else None


def _small(attribution: Attribution, part: Box) -> np.ndarray:
    height, width = attribution.values.shape
    top, left, bottom, right = part
    image = Image.fromarray(np.nan_to_num(attribution.values.astype(np.float32)))
    inside = (left * width, top * height, right * width, bottom * height)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=inside))[None]


def _pairs(maps: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(itertools.combinations(maps, 2))
