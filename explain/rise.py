"""RISE: what the target's log-odds are on average when a place is shown under random masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from explain.checks import check_at_least, check_share
from explain.maps import black_box
from zoo import Attribution, Classifier, Explainer, Images, Option, Reference, hookimpl

if TYPE_CHECKING:
    import numpy as np

    from explain.maps.occlusion import LogOdds

NAME = "rise"


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare RISE."""
    return [
        Explainer(
            name=NAME,
            summary="How much likelier the target is when random masks leave a place visible.",
            explain=explain,
            reference=(
                "Petsiuk, Das, Saenko. RISE: Randomized Input Sampling for Explanation of "
                "Black-box Models, 2018"
            ),
            options={
                "evaluations": Option(500, "random masks, one forward pass for each"),
                "cells": Option(7, "cells a side of the grid that masks are enlarged from"),
                "visible": Option(0.5, "share of the cells that a mask shows"),
                "seed": Option(0, "which masks are drawn"),
            },
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
    *,
    evaluations: int = 500,
    cells: int = 7,
    visible: float = 0.5,
    seed: int = 0,
) -> list[Attribution]:
    """Map each image by the mean log-odds of the target where masks show a place, less the mean.

    A mask is a grid of cells that are shown or hidden by chance, enlarged bilinearly and shifted by
    a part of a cell. The paper hides in black, averages probabilities and does not subtract their
    mean; here a blurred copy is what hides, the score is the log-odds, and without its mean it is
    seen what speaks against the target. The masks follow from `seed` and are the same for every
    image. Values are `(height, width)`, signed.

    Details: 'log-odds', 'evaluations', 'seconds'.

    Raises:
        InvalidSetting: a target that is not one of the classes, `evaluations` or `cells` below 2,
            `visible` not above 0 and up to 1, or `seed` below 0.
    """
    check_at_least("evaluations", evaluations, 2)
    check_at_least("cells", cells, 2)
    check_share("visible", visible)
    check_at_least("seed", seed, 0)

    def draw(game: LogOdds) -> black_box.Drawn:
        import numpy as np

        size = game.image.shape[:2]
        scores = black_box.answers(game, _masks(size, evaluations, cells, visible, seed))
        scores -= scores.mean()
        total, shown, start = np.zeros(size), np.zeros(size), 0
        for masks in _masks(size, evaluations, cells, visible, seed):
            part = scores[start : start + len(masks)]
            total += np.tensordot(part, masks, axes=1)
            shown += masks.sum(axis=0)
            start += len(masks)
        return (total / np.maximum(shown, 1e-6)).astype(np.float32), {}

    return black_box.attributions(NAME, classifier, images, targets, draw)


def _masks(
    size: tuple[int, int], count: int, cells: int, visible: float, seed: int
) -> Iterator[np.ndarray]:
    """Yield `count` masks, 0 to 1, in parts `(some, height, width)`: drawn twice, not kept."""
    import numpy as np

    random = np.random.default_rng(seed)
    grids = (random.random((count, cells + 2, cells + 2)) < visible).astype(np.float32)
    shifts = random.random((2, count))
    for start in range(0, count, black_box.BATCH):
        part = slice(start, start + black_box.BATCH)
        rows, columns = (
            _enlarging(length, cells, shift[part])
            for length, shift in zip(size, shifts, strict=True)
        )
        yield rows @ grids[part] @ columns.transpose(0, 2, 1)


def _enlarging(length: int, cells: int, shift: np.ndarray) -> np.ndarray:
    """Return bilinear weights `(batch, length, cells + 2)` of grids shifted by parts of a cell."""
    import numpy as np

    places = (np.arange(length) + 0.5) / length * cells + shift[:, None]
    away = np.abs(places[..., None] - np.arange(cells + 2))
    return np.maximum(1 - away, 0).astype(np.float32)
