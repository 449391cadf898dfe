"""Do the maps of several methods mark the same places of one image, and if not, what then?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from zoo.base.explanations import Attribution
from zoo.base.number_text import percent
from zoo.interpret.trust.comparison import MeasureRow
from zoo.interpret.trust.similarity import rank_correlation
from zoo.interpret.trust.verdict import DO_NOT_USE, HOLDS_UP, WEAK, Trust

if TYPE_CHECKING:
    from zoo.network.frame import Box

CELLS = 14
"""Cells a side that maps are averaged over before they are compared: 16 x 16 pixels at 224, as
coarse as a last feature map. Finer, the speckles of one map would never fit the blot of another."""
TOP = 0.1
"""Share of what is seen that counts as marked."""
SHARED = 0.25
"""Share of the marked places from which two maps agree. On drawings whose finding is known, 69 of
70 pairs of maps that both point at it reach this, and 15 of 53 of which one is another image's."""
LOWER = {HOLDS_UP: WEAK}
"""A weak map stays weak: that of the two which is right would be thrown away with the other."""


@dataclass(frozen=True)
class Agreement:
    """How alike the maps of two methods are on one image, for the same class.

    `rank` is the rank correlation of their values, -1 to 1. `overlap` is the share, 0 to 1, of the
    tenth that each ranks highest which both have (Dice's coefficient); two maps that have nothing
    to do with each other share about a tenth of it.
    """

    methods: tuple[str, str]
    rank: float
    overlap: float

    @property
    def agrees(self) -> bool:
        """Tell whether the two mark the same places."""
        return self.overlap >= SHARED


def agreements(maps: Sequence[Attribution], box: Box | None = None) -> tuple[Agreement, ...]:
    """Compare each pair of maps of one image in what the network saw of it (None: all).

    Maps are averaged over 14 x 14 cells, so that fine and coarse ones can be compared. Maps of
    different classes are not compared.

    Source of the coefficient: Dice, *Measures of the amount of ecologic association between
    species*, 1945.
    """
    small = {one.method: _small(one.values, box) for one in maps}
    return tuple(
        Agreement(
            (one.method, other.method),
            float(rank_correlation(small[one.method][None], small[other.method][None])[0]),
            _overlap(small[one.method], small[other.method]),
        )
        for one, other in itertools.combinations(maps, 2)
        if one.target == other.target
    )


def compared(trust: Mapping[str, Trust], found: Sequence[Agreement]) -> dict[str, Trust]:
    """Put into each map's verdict how far the others agree with it.

    A map that holds up is weak when it agrees with no other: of two that mark different places one
    at most tells what the network rests on. A map that is not to be used is no witness.
    """
    return {
        method: _compared(judged, list(_of(method, found)), trust)
        for method, judged in trust.items()
    }


def _of(method: str, found: Sequence[Agreement]) -> Iterator[tuple[str, Agreement]]:
    """Yield the other method, and how alike they are, for each pair that this one is in."""
    for one in found:
        if method in one.methods:
            yield one.methods[one.methods[0] == method], one


def _compared(
    judged: Trust, others: Sequence[tuple[str, Agreement]], trust: Mapping[str, Trust]
) -> Trust:
    rows = tuple(
        MeasureRow(
            f"marks the same places as {other}",
            f"{percent(one.overlap, 0)} of the highest tenth, rank correlation {one.rank:.2f}",
            f"{percent(SHARED, 0)} or more",
            one.agrees,
        )
        for other, one in others
    )
    witnesses = [
        (other, one) for other, one in others if other in trust and trust[other].level != DO_NOT_USE
    ]
    alone = bool(witnesses) and not any(one.agrees for _, one in witnesses)
    if not alone or judged.level not in LOWER:
        return replace(judged, rows=(*judged.rows, *rows))
    named = " and ".join(other for other, _ in witnesses)
    mark = "marks" if len(witnesses) == 1 else "mark"
    reason = f"It marks other places than {named} {mark}, and one of them at most is right."
    return replace(judged, level=LOWER[judged.level], reason=reason, rows=(*judged.rows, *rows))


def _small(values: np.ndarray, box: Box | None) -> np.ndarray:
    """Average what is in the box over cells."""
    height, width = values.shape
    top, left, bottom, right = box or (0.0, 0.0, 1.0, 1.0)
    image = Image.fromarray(np.nan_to_num(values).astype(np.float32))
    inside = (left * width, top * height, right * width, bottom * height)
    return np.asarray(image.resize((CELLS, CELLS), Image.Resampling.BOX, box=inside))


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    marked, too = _highest(one), _highest(other)
    both = marked.sum() + too.sum()
    return float(2 * np.minimum(marked, too).sum() / both) if both else 0.0


def _highest(values: np.ndarray) -> np.ndarray:
    """Return how far each cell is in the highest tenth, 0 to 1: equal ones share what is left.

    The lowest value of a map is never in it, so an even map marks nothing.
    """
    count = round(TOP * values.size)
    limit = np.partition(values.ravel(), -count)[-count]
    above, tied = values > limit, (values == limit) & (limit > values.min())
    return above + tied * (count - above.sum()) / max(1, tied.sum())
