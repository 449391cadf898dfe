"""Is what a map marks worth more to the network than what the controls mark, by each measure?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.interpret.trust.controls import MOVED

if TYPE_CHECKING:
    from zoo.interpret.trust.perturbation import Faithfulness

MARGIN = 0.02
"""What a map must be better by than a control, in mean probability: two points in a hundred. Two
orders that are drawn by chance differ by about as much, so less is luck."""
CHANGE = 0.05
"""Least spread of a measure over the map and all controls, and least distance of its moved copies
from the best value there is. Below it no order of removal can differ from another by much
more than the margin: the test cannot tell a good map from a bad one. It is so where the answer
stays what it is without the image's structure, as when a blurred image is called the same class."""
LUCKY = 1
"""Moved copies of a map that may do as well as it does: one may come to lie on the same place."""
MEASURES = (
    ("deletion", "lower", "deletion"),
    ("insertion", "higher", "insertion"),
    ("ROAD", "lower", "road"),
)


@dataclass(frozen=True)
class MeasureRow:
    """One line of the table beside a map: what was measured, against what, and whether it passed.

    `passed` is None where it was not measured or cannot be told.
    """

    name: str
    value: str
    against: str
    passed: bool | None


@dataclass(frozen=True)
class Compared:
    """One measure of a map: whether it can tell anything, and whether the map beats controls."""

    row: MeasureRow
    told: bool
    over_random: bool
    over_all: bool


def compare(
    of_map: Faithfulness, controls: Mapping[str, Faithfulness], name: str, better: str, area: str
) -> Compared:
    """Compare the map with its moved copies but the luckiest, and with the best of the others."""
    sign = 1 if better == "higher" else -1
    value = getattr(of_map, area)
    areas = {control: getattr(measured, area) for control, measured in controls.items()}
    against, gains, room = [], [], []
    for chance in (True, False):
        kind = [control for control in areas if _moved(control) == chance]
        if not kind:
            continue
        kind.sort(key=lambda control: -sign * areas[control])
        best = kind[min(LUCKY, len(kind) - 1) if chance else 0]
        against.append(f"{MOVED if chance else best} {areas[best]:.2f}")
        gains.append(sign * (value - areas[best]))
        room.append(1 - areas[best] if better == "higher" else areas[best])
    values = (value, *areas.values())
    told = by_chance(controls) and min(max(values) - min(values), room[0]) >= CHANGE
    over_random, over_all = told and gains[0] > MARGIN, told and min(gains) > MARGIN
    row = MeasureRow(
        title(name, better),
        f"{value:.2f}",
        (", ".join(against) or "no control") + ("" if told else " (cannot tell)"),
        over_all if told else None,
    )
    return Compared(row, told, over_random, over_all)


def by_chance(controls: Iterable[str]) -> bool:
    """Tell whether a control is put elsewhere by chance: without one nothing can be told."""
    return any(map(_moved, controls))


def _moved(control: str) -> bool:
    return control.startswith(MOVED)


def title(name: str, better: str) -> str:
    """Write the name of a measure and which of its values are good."""
    return f"{name} ({better} is better)"
