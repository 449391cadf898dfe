"""A small lung model: where the lungs are in a radiograph, from masks that were given at training.

Radiographs of a set lie much alike, so a linear map from the reduced image to the reduced mask is
enough to judge heat maps by. It is no segmentation to measure lungs with; its overlap with masks
of held-out patients is kept beside it and shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.base.errors import BadInput, DamagedRun
from zoo.base.files import replacing
from zoo.base.parallel import in_parallel
from zoo.base.pixel_arrays import to_channels
from zoo.base.types import Dataset, Sample
from zoo.data.masks import Masks

SIDE = 32
"""Rows and columns of the reduced image and mask: a lung is about 10 of them wide."""
PENALTY = 100.0
FAINT = 5.0
"""Gray levels that are added to an image's contrast, so that a blank image stays blank."""
INSIDE = 0.5
FEWEST, MOST = 20, 2000
"""Masks that are needed, and that are used at most."""


@dataclass(frozen=True, eq=False)
class Lungs:
    """A linear map from images to masks.

    `weights` is `(SIDE * SIDE, SIDE * SIDE)` and `bias` `(SIDE * SIDE,)`, float32. `overlap` is
    the mean Dice coefficient with `masks` masks of patients that were not used, 0 to 1.
    """

    weights: np.ndarray
    bias: np.ndarray
    overlap: float
    masks: int

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return where the lungs are, `(batch, height, width)` bool, of uint8 pixels."""
        height, width = pixels.shape[1:3]
        chances = (_reduced(pixels) @ self.weights + self.bias).reshape(-1, SIDE, SIDE)
        return np.stack(
            [
                np.asarray(
                    Image.fromarray(chance.astype(np.float32)).resize(
                        (width, height), Image.Resampling.BILINEAR
                    )
                )
                >= INSIDE
                for chance in chances
            ]
        )


def fit_lungs(
    dataset: Dataset, train: Sequence[Sample], validation: Sequence[Sample], masks: Masks
) -> Lungs:
    """Fit the model on training images with a mask and measure it on those of validation.

    Raises:
        BadInput: too few images of either part have a mask, or one cannot be read.
    """
    from sklearn.linear_model import Ridge

    parts = []
    for samples in (train, validation):
        known = [sample for sample in samples if masks.of(sample.name) is not None][:MOST]
        if len(known) < FEWEST:
            raise BadInput(
                f"Only {len(known)} of {len(samples)} images have a lung mask; a lung model needs "
                f"{FEWEST} of the training and of the validation part. Leave out --masks."
            )
        parts.append(_pairs(dataset, known, masks))
    (images, inside), (others, truth) = parts
    model = Ridge(alpha=PENALTY).fit(_reduced(images), inside.reshape(len(inside), -1))
    lungs = Lungs(
        np.ascontiguousarray(model.coef_.T, np.float32), model.intercept_.astype(np.float32), 0, 0
    )
    overlap = dice(lungs(others), truth >= INSIDE)
    return Lungs(lungs.weights, lungs.bias, float(overlap.mean()), len(truth))


def dice(masks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return `(batch,)` Dice coefficients of `(batch, height, width)` bool masks; 1: identical."""
    both = (masks & truth).sum(axis=(1, 2))
    return 2 * both / np.maximum(masks.sum(axis=(1, 2)) + truth.sum(axis=(1, 2)), 1)


def save(path: Path, lungs: Lungs) -> None:
    """Write the model as one .npz file."""
    with replacing(path) as temporary:
        np.savez(
            temporary,
            weights=lungs.weights.astype(np.float16),
            bias=lungs.bias,
            overlap=lungs.overlap,
            masks=lungs.masks,
        )


def load(path: Path) -> Lungs | None:
    """Read the model of a run; None when the run has none.

    Raises:
        DamagedRun: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            weights, bias = arrays["weights"].astype(np.float32), arrays["bias"]
            if weights.shape != (SIDE * SIDE, SIDE * SIDE) or bias.shape != (SIDE * SIDE,):
                raise ValueError(f"its shape is {weights.shape}")
            return Lungs(weights, bias, float(arrays["overlap"]), int(arrays["masks"]))
    except Exception as error:  # a damaged archive fails in many ways
        raise DamagedRun(
            f"The lung model '{path}' cannot be read ({error}). Train the run again."
        ) from error


def _pairs(
    dataset: Dataset, samples: Sequence[Sample], masks: Masks
) -> tuple[np.ndarray, np.ndarray]:
    """Return `(n, SIDE, SIDE, 3)` uint8 images and `(n, SIDE, SIDE)` masks, 0 or 1."""

    def pair(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
        mask = masks(sample, (SIDE, SIDE))
        return dataset.read(sample, (SIDE, SIDE)), np.asarray(mask, np.float32)

    images, inside = zip(*in_parallel(pair, samples), strict=True)
    return np.stack(images), np.stack(inside)


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """Return `(batch, SIDE * SIDE)` gray values, each image with mean 0 and the same contrast."""
    gray = np.stack(
        [
            np.asarray(
                Image.fromarray(to_channels(image, 1)[..., 0]).resize(
                    (SIDE, SIDE), Image.Resampling.BILINEAR
                ),
                np.float32,
            ).ravel()
            for image in pixels
        ]
    )
    return (gray - gray.mean(axis=1, keepdims=True)) / (gray.std(axis=1, keepdims=True) + FAINT)
