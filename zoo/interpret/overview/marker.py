"""Does a letter at the border of the picture change the answer?

Radiographs carry letters of lead that name the side and, unasked, the machine and the ward. A
network that has learned them answers otherwise when one is pasted on. The placebo is the same
letter in the gray of its surroundings: what it moves, any small change would move.

Source: Zech, Badgeley, Liu, Costa, Titano, Oermann, "Variable generalization performance of a deep
learning model to detect pneumonia in chest radiographs", 2018, where networks had learned them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zoo.base.explanations import Classifier
from zoo.base.number_text import percent
from zoo.data.lead_letter import WHITE, letter
from zoo.interpret.overview.means import Patients, mean_difference, mean_share, mean_shift
from zoo.stats import delong
from zoo.stats.intervals import exact_bound

LEFT, RIGHT = "upper left", "upper right"
CORNERS = (LEFT, RIGHT)
BRIGHT, GRAY = "bright", "gray"
KINDS = (BRIGHT, GRAY)
SIDE, MARGIN = 0.12, 0.04
"""Shares of the picture's shorter side: of the letter, and of its distance to the edges."""


@dataclass(frozen=True)
class Marked:
    """What a marker of one kind in one corner did.

    Of the negative images that were answered so, `images`, `flips` were then called positive;
    `share` is {value, low, high}. `moved` is {value, low, high, p} of the change of the positive
    class's probability on all negative images. `back_images`, `back`, `back_share` and
    `back_moved` are the same of the positive images, those turned negative. Corners are the
    picture's.
    """

    kind: str
    corner: str
    images: int
    flips: int
    share: Mapping[str, float | None]
    moved: Mapping[str, float | None]
    back_images: int
    back: int
    back_share: Mapping[str, float | None]
    back_moved: Mapping[str, float | None]

    @property
    def changed(self) -> int:
        """Answers that were turned, in either direction."""
        return self.flips + self.back

    @property
    def farthest(self) -> float:
        """How far the mean probability moved at most, in either direction."""
        return max(abs(moved["value"] or 0) for moved in (self.moved, self.back_moved))

    def to_record(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def paste(pixels: np.ndarray, kind: str, corner: str) -> np.ndarray:
    """Paste the letter on `(batch, height, width, channels)` uint8; return new images.

    Bright, or in the mean gray of the square that it stands in.
    """
    height, width = pixels.shape[1:3]
    side = max(4, round(SIDE * min(height, width)))
    margin = max(1, round(MARGIN * min(height, width)))
    start = margin if corner == LEFT else width - margin - side
    shape = letter(side)
    marked = pixels.copy()
    square = marked[:, margin : margin + side, start : start + side]
    fill = np.full(len(pixels), WHITE) if kind == BRIGHT else square.mean(axis=(1, 2, 3))
    square[:, shape] = np.rint(fill).astype(pixels.dtype)[:, None, None]
    return marked


def marked_answers(classifier: Classifier, pixels: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Return `(batch, classes)` logits for each kind of marker in each corner."""
    return {
        (kind, corner): classifier.logits(paste(pixels, kind, corner))
        for kind in KINDS
        for corner in CORNERS
    }


def marker_effect(
    before: tuple[np.ndarray, np.ndarray],
    marked: Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]],
    truth: np.ndarray,
    patients: Patients,
) -> tuple[Marked, ...]:
    """Compare answers with and without each marker.

    Each pair holds `(n,)` probabilities of the positive class and `(n,)` bool, whether it is what
    is answered; `truth` is `(n,)` bool.
    """
    chances, called = before
    negative, positive = ~truth & ~called, truth & called
    return tuple(
        Marked(
            kind,
            corner,
            int(negative.sum()),
            int((negative & then_called).sum()),
            mean_share(then_called, negative, patients),
            mean_shift(then, chances, ~truth, patients),
            int(positive.sum()),
            int((positive & ~then_called).sum()),
            mean_share(~then_called, positive, patients),
            mean_shift(then, chances, truth, patients),
        )
        for (kind, corner), (then, then_called) in marked.items()
    )


def beyond_placebo(
    before: tuple[np.ndarray, np.ndarray],
    marked: Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]],
    truth: np.ndarray,
    patients: Patients,
) -> dict[str, dict[str, float | None]]:
    """Return by corner {value, low, high, p}: the share of answers turned less the placebo's.

    Answers that were right count, turned in either direction. Arguments as for `measure`.
    """
    right = truth == before[1]
    flipped = {
        corner: mean_difference(
            *delong.mean(marked[BRIGHT, corner][1] != before[1], right),
            *delong.mean(marked[GRAY, corner][1] != before[1], right),
            patients,
        )
        for corner in CORNERS
    }
    people = len(np.unique(np.asarray(patients)[right]))
    for entry in flipped.values():
        if entry["value"] == 1:  # every answer, by the letter alone: McNemar's test and its bound
            low, high = exact_bound(1.0, people)
            entry |= {"low": 2 * low - 1, "high": high, "p": 0.5 ** (people - 1)}
    return flipped


def flips(
    effects: Sequence[Marked],
    beyond: Mapping[str, Mapping[str, float | None]],
    negative: str,
    positive: str,
) -> str:
    """Say whether markers flip answers, in either direction; empty when none was right.

    `beyond` is what `beyond_placebo` gave.
    """
    by_place = {(entry.kind, entry.corner): entry for entry in effects}
    bright = [by_place[BRIGHT, corner] for corner in CORNERS if (BRIGHT, corner) in by_place]
    if not bright or not bright[0].images + bright[0].back_images:
        return ""

    def sure(entry: Marked) -> bool:
        return (beyond[entry.corner]["low"] or 0) > 0

    worst = max(bright, key=lambda entry: (sure(entry), entry.changed, entry.farthest))
    placebo = by_place[GRAY, worst.corner]
    ways = [
        (worst.images, worst.flips, worst.share, negative, positive),
        (worst.back_images, worst.back, worst.back_share, positive, negative),
    ]
    turned = " and ".join(
        f"{count or 'none'} of {images:,} {one} answers into {other}{_limits(share_of)}"
        for images, count, share_of, one, other in ways
        if images
    )
    if worst.changed:
        verdict = "Yes." if sure(worst) else "A few, not clearly more than the placebo."
        told = (
            f"A bright letter pasted in the {worst.corner} corner turned {turned}; the same letter "
            f"in gray turned {placebo.changed:,}."
        )
    else:
        verdict = "No."
        told = f"A bright letter pasted in either upper corner turned {turned}."
    moved = " and ".join(
        f"{_points(change)} percentage points on {name} images"
        for change, name in ((worst.moved, negative), (worst.back_moved, positive))
        if change["value"] is not None
    )
    return (
        f"{verdict} {told} In the {worst.corner} corner it moved the probability of {positive} by "
        f"{moved}, on average."
    )


def _limits(share_of: Mapping[str, float | None]) -> str:
    low, high = share_of["low"], share_of["high"]
    return "" if low is None or high is None else f" ({percent(low)} to {percent(high)})"


def _points(moved: Mapping[str, Any]) -> str:
    value, *ends = (
        f"{100 * moved[key]:+.1f}" for key in ("value", "low", "high") if moved[key] is not None
    )
    return f"{value} ({' to '.join(ends)})" if ends else value
