"""Gradients along the straight path from a baseline to the image, times what lies between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from explain.checks import check_at_least, check_targets
from zoo import Attribution, Classifier, Images, InvalidSetting, Option

if TYPE_CHECKING:
    import numpy as np

CHUNK = 8
"""Points of a path a pass back to the pixels."""
BASELINES = ("blurred", "mean", "black")
OPTIONS: Mapping[str, Option] = {
    "baseline": Option("blurred", "what stands for an image without evidence", BASELINES),
    "steps": Option(32, "points of the path from it; one pass and back for each"),
}

Share = Callable[["np.ndarray", "np.ndarray"], "np.ndarray"]


def attributions(
    method: str,
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    baseline: str,
    steps: int,
    share: Share = lambda values, _: values,
) -> list[Attribution]:
    """Integrate the gradients of the target's logit along the path, and share them out.

    `share(values, seen)` is given a map `(height, width)` of the picture that is seen and that
    picture, `(height, width, channels)` 0 to 255; it returns another map with the same sum. Maps
    are signed. Details: 'completeness error', 'logit' and 'logit of the baseline'.

    Raises:
        InvalidSetting: a target that is not one of the classes, a baseline that is none of
            `BASELINES`, or `steps` below 1.
    """
    import numpy as np

    check_targets(classifier, targets)
    check_at_least("steps", steps, 1)
    if baseline not in BASELINES:
        raise InvalidSetting(
            f"'baseline' was set to {baseline!r}; expected one of {', '.join(BASELINES)}."
        )
    made = []
    for row, target in enumerate(map(int, targets)):
        pixels = images.pixels[row : row + 1]
        seen = classifier.seen(pixels)[0]
        values, logits = _integrated(
            classifier.inside, seen, baseline_of(seen, baseline), target, steps
        )
        error = float(abs(values.sum(dtype=np.float64) - (logits[1] - logits[0])))
        details = {
            "completeness error": error,
            "logit": float(logits[1]),
            "logit of the baseline": float(logits[0]),
        }
        (placed,) = classifier.place(share(values, seen)[None], pixels)
        placed = placed * _pixels_for_one(classifier.boxes(pixels)[0], seen, pixels[0])
        made.append(
            Attribution(method, target, placed.astype(np.float32), signed=True, details=details)
        )
    return made


def baseline_of(seen: np.ndarray, kind: str) -> np.ndarray:
    """Return what stands for the picture `(height, width, channels)` without its evidence."""
    import numpy as np

    from zoo.base.pictures.pixel_arrays import blurred

    if kind == "blurred":
        return blurred(seen)
    level = seen.mean(axis=(0, 1)) if kind == "mean" else 0
    return np.broadcast_to(np.float32(level), seen.shape)


def _integrated(
    classifier: Classifier, seen: np.ndarray, baseline: np.ndarray, target: int, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the map `(height, width)`, and the logits of the baseline and of the picture.

    Gauss and Legendre's points: for as many passes the sum is nearer to the integral than evenly
    spaced ones give.
    """
    import numpy as np

    points, weights = np.polynomial.legendre.leggauss(steps)
    shares = np.array([0, *(points + 1) / 2, 1], np.float32)[:, None, None, None]
    weights = np.array([0, *weights / 2, 0], np.float32)
    difference, total, logits = seen - baseline, np.zeros_like(seen), []
    for start in range(0, len(shares), CHUNK):
        part = slice(start, start + CHUNK)
        on_path = baseline + shares[part] * difference
        passed = classifier.gradients(on_path, [target] * len(on_path), by_pixels=True)
        total += np.tensordot(weights[part], np.asarray(passed.by_pixels), axes=1)
        logits.append(passed.logits[:, target])
    return (total * difference).sum(axis=-1), np.concatenate(logits)[[0, -1]]


def _pixels_for_one(box: np.ndarray, seen: np.ndarray, picture: np.ndarray) -> float:
    """Return how many pixels of what is seen one pixel of the picture stands for.

    By it the values of a placed map add up to those of the map that was placed.
    """
    top, left, bottom, right = map(float, box)
    covered = (bottom - top) * (right - left) * picture.shape[0] * picture.shape[1]
    return seen.shape[0] * seen.shape[1] / covered
