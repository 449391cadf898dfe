"""Occlusion: what the target's log-odds lose when a part of the image is hidden."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from explain.checks import check_at_least, check_share
from explain.maps import black_box
from zoo import Attribution, Classifier, Explainer, Images, Option, Reference, hookimpl

if TYPE_CHECKING:
    import numpy as np

    from explain.maps.occlusion import LogOdds

NAME = "occlusion"


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare occlusion."""
    return [
        Explainer(
            name=NAME,
            summary="What the target's log-odds lose when a window over a place is hidden.",
            explain=explain,
            reference=(
                "Zeiler, Fergus. Visualizing and Understanding Convolutional Networks, 2014"
            ),
            options={
                "window": Option(0.2, "side of what is hidden, as a share of that of the image"),
                "evaluations": Option(
                    196, "places that are hidden, on a square grid; one forward pass for each"
                ),
            },
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
    *,
    window: float = 0.2,
    evaluations: int = 196,
) -> list[Attribution]:
    """Map each image by what hiding a window takes from the target's log-odds.

    The window moves over a square grid of at most `evaluations` places; it is larger where they
    would leave gaps. What is hidden is replaced by a blurred copy. A pixel has the mean over the
    windows that cover it. Values are `(height, width)`, signed: what is below zero, hidden, makes
    the target more likely.

    Details: 'log-odds', 'evaluations', 'seconds'.

    Raises:
        InvalidSetting: a target that is not one of the classes, `window` not above 0 and up to 1,
            or `evaluations` below 4.
    """
    check_share("window", window)
    check_at_least("evaluations", evaluations, 4)
    side = math.isqrt(evaluations)

    def draw(game: LogOdds) -> black_box.Drawn:
        return _windows(game, window, side), {}

    return black_box.attributions(NAME, classifier, images, targets, draw)


def _windows(game: LogOdds, window: float, side: int) -> np.ndarray:
    import numpy as np

    size = game.image.shape[:2]
    spans = [_spans(length, window, side) for length in size]
    places = [(rows, columns) for rows in spans[0] for columns in spans[1]]

    def masks(some: Sequence[tuple[slice, slice]]) -> np.ndarray:
        shares = np.ones((len(some), *size), np.float32)
        for share, place in zip(shares, some, strict=True):
            share[place] = 0
        return shares

    parts = (places[i : i + black_box.BATCH] for i in range(0, len(places), black_box.BATCH))
    losses = game.whole - black_box.answers(game, map(masks, parts))
    total, count = np.zeros(size), np.zeros(size)
    for place, loss in zip(places, losses, strict=True):
        total[place] += loss
        count[place] += 1
    return (total / count).astype(np.float32)


def _spans(length: int, window: float, side: int) -> list[slice]:
    """Cover one axis evenly with at most `side` spans, the first and the last at its ends."""
    import numpy as np

    extent = max(math.ceil(window * length), math.ceil(length / side))
    starts = np.unique(np.rint(np.linspace(0, length - extent, side)).astype(int))
    return [slice(start, start + extent) for start in starts]
