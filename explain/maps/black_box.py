"""What methods share that only ask what a network says of masked copies of what it sees."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from explain.checks import check_targets
from explain.maps.occlusion import LogOdds
from zoo import Attribution, Classifier, Images

if TYPE_CHECKING:
    import numpy as np

BATCH = 32
"""Masked copies a pass: 40 MB of pictures at 320 pixels."""

Drawn = tuple["np.ndarray", Mapping[str, float]]
Draw = Callable[[LogOdds], Drawn]


def attributions(
    method: str, classifier: Classifier, images: Images, targets: Sequence[int], draw: Draw
) -> list[Attribution]:
    """Explain each image by `draw(game)`: a map `(height, width)` of what is seen, and details.

    Where a share of the image is hidden a blurred copy shows, which unlike black is no finding by
    itself. Values are signed, in the target's log-odds. 'log-odds' (of the image), 'evaluations'
    and 'seconds' are added to the details.

    Raises:
        InvalidSetting: a target that is not one of the classes.
    """
    from zoo.base.pictures.pixel_arrays import blurred

    check_targets(classifier, targets)
    made = []
    for row, target in enumerate(targets):
        begun = time.perf_counter()
        pixels = images.pixels[row : row + 1]
        seen = classifier.seen(pixels)[0]
        game = LogOdds(classifier.inside, seen, blurred(seen), int(target))
        values, details = draw(game)
        details = {
            **details,
            "log-odds": game.whole,
            "evaluations": game.evaluations,
            "seconds": time.perf_counter() - begun,
        }
        (placed,) = classifier.place(values[None], pixels)
        made.append(Attribution(method, int(target), placed, signed=True, details=details))
    return made


def answers(game: LogOdds, masks: Iterable[np.ndarray]) -> np.ndarray:
    """Return `(masks,)` log-odds under masks that come in parts `(some, height, width)`."""
    import numpy as np

    return np.concatenate([game.blended(part) for part in masks])
