"""SmoothGrad: saliency averaged over noisy copies of the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explain.checks import check_at_least
from explain.maps import visualisers
from zoo import Attribution, Classifier, Explainer, Images, Option, Reference, hookimpl
from zoo.base import interruption

if TYPE_CHECKING:
    import numpy as np

NAME = "smoothgrad"


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare SmoothGrad."""
    return [
        Explainer(
            name=NAME,
            summary="Saliency averaged over noisy copies of the image: less speckled.",
            explain=explain,
            reference=(
                "Smilkov, Thorat, Kim, Viégas, Wattenberg. SmoothGrad: Removing Noise by Adding "
                "Noise, 2017"
            ),
            options={
                "samples": Option(16, "noisy copies of each image"),
                "noise": Option(0.15, "spread of the noise, as a share of the image's range"),
                "seed": Option(0, "which noise is drawn"),
            },
            differentiates=True,
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
    *,
    samples: int = 16,
    noise: float = 0.15,
    seed: int = 0,
) -> list[Attribution]:
    """Map each image by the mean absolute gradient over `samples` noisy copies.

    The noise is Gaussian, follows from `seed` and is the same for every image and call, so that a
    map does not depend on what it was computed with. A pixel has the largest value among its
    channels. Values are `(height, width)`, from 0 up, in logits per gray level.

    Raises:
        InvalidSetting: a target that is not one of the classes, `samples` below 1, or `noise`
            or `seed` below 0.
    """
    import numpy as np

    check_at_least("samples", samples, 1)
    check_at_least("noise", noise, 0)
    check_at_least("seed", seed, 0)

    def maps(pixels: np.ndarray, wanted: Sequence[int]) -> np.ndarray:
        pixels = pixels.astype(np.float32)
        generator = np.random.default_rng(seed)
        spread = np.float32(noise) * np.ptp(pixels)
        total = np.zeros_like(pixels)
        for start in range(0, samples, visualisers.CHUNK):
            interruption.check()
            copies = min(visualisers.CHUNK, samples - start)
            shape = (copies, *pixels.shape[1:])
            noisy = pixels + spread * generator.standard_normal(shape, np.float32)
            passed = classifier.gradients(noisy, list(wanted) * copies, by_pixels=True)
            total += np.abs(np.asarray(passed.by_pixels)).sum(axis=0)
        return total.max(axis=-1) / samples

    # One image a pass: its copies are the batch.
    return visualisers.attributions(NAME, classifier, images, targets, maps, chunk=1)
