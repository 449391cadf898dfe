"""Train a localiser from masks: of lungs, or of anything else that images are to be cut to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from zoo.base.errors import BadInput
from zoo.base.parallel import in_parallel
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.progress import SILENT, Progress, track
from zoo.base.types import Dataset, Sample
from zoo.data.masks import Masks
from zoo.data.pixels import keeping
from zoo.network import boxes, localiser
from zoo.network.localiser import SIDE, Localiser
from zoo.training import localiser_views as views

VERSION = 1
"""Raised whenever the training changes, so that what is kept of it expires."""
KEPT = 160
"""Rows and columns that pictures and masks are kept at: more than `SIDE`, for enlarged views."""
INSIDE = 128
FEWEST = 20
"""Masks that are needed of those trained on, and of those measured on."""
STEPS, BATCH = 3000, 32
LEARNING_RATE, WARM_UP, WEIGHT_DECAY = 2e-3, 100, 1e-4
OTHERS = 15
"""There is one picture without what is looked for in so many."""
DESCRIBED = 64
"""Batches of views of which what is found tells what is plausible."""
RIGHT = 0.8
"""Dice coefficient and overlap of boxes from which what was found counts for that."""
RARE, SLACK = 1.0, 0.2
"""Per cent of these at either end that are left out, and share of what is left that is added."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Gray pictures `(n, KEPT, KEPT)` uint8 and their masks, bool of the same shape."""

    pictures: np.ndarray
    masks: np.ndarray

    def __len__(self) -> int:
        return len(self.pictures)

    def __add__(self, other: Pairs) -> Pairs:
        return Pairs(
            np.concatenate([self.pictures, other.pictures]),
            np.concatenate([self.masks, other.masks]),
        )


def pairs(pictures: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> Pairs:
    """Bring pictures and masks to one size, whatever theirs is.

    A picture is `(height, width)` or `(height, width, 1 or 3)` uint8, its mask `(height, width)`
    bool of that size or another one: both are squashed to a square.
    """
    return Pairs(
        np.stack([_resized(_gray(picture)) for picture in pictures]),
        np.stack([_resized(mask.astype(np.uint8) * 255) >= INSIDE for mask in masks]),
    )


def gather(
    dataset: Dataset, samples: Sequence[Sample], masks: Masks, progress: Progress = SILENT
) -> Pairs:
    """Read those of the samples that have a mask.

    Raises:
        BadInput: fewer than `FEWEST` have one, or an image or a mask cannot be read.
    """
    known = [sample for sample in samples if masks.of(sample.name)]
    if len(known) < FEWEST:
        raise BadInput(
            f"Only {len(known)} of {len(samples)} images have a mask; {FEWEST} are needed to train "
            "a localiser, and as many to measure it. Give more masks, named as the images."
        )

    def read(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
        mask = masks(sample, (KEPT, KEPT))
        return _gray(dataset.read(sample, (KEPT, KEPT))), np.asarray(mask)

    with keeping(dataset):
        found = list(track(progress, in_parallel(read, known), "reading masks", len(known)))
    return pairs(*zip(*found, strict=True))


def train(
    seen: Pairs,
    held: Pairs,
    *,
    steps: int = STEPS,
    seed: int = 0,
    attribution: str = "",
    progress: Progress = SILENT,
) -> Localiser:
    """Train a localiser on the pairs that are `seen`, from nothing, and measure it on those `held`.

    Divide them by patient. In each of `steps`, `BATCH` pictures are seen in other views
    (`localiser_views`), a few of which show nothing that is looked for. The loss is cross-entropy
    and one minus the soft Dice coefficient (Milletari, Navab and Ahmadi, V-Net, 2016).
    `attribution` is kept with the weights: whose masks they are, and under which licence.

    Raises:
        BadInput: one of the two has fewer than `FEWEST` pairs, or masks without anything inside.
    """
    for part in (seen, held):
        if len(part) < FEWEST or not part.masks.any(axis=(1, 2)).all():
            empty = int((~part.masks.any(axis=(1, 2))).sum())
            raise BadInput(
                f"A localiser was asked for {len(part)} masks, {empty} of them empty. Expected at "
                f"least {FEWEST} to train it and {FEWEST} to measure it, none of them empty."
            )
    random = np.random.default_rng(seed)
    blank = views.others(seen.pictures, -(-len(seen) // OTHERS), KEPT, random)
    whole = seen + Pairs(blank, np.zeros(blank.shape, bool))
    model = localiser.build((SIDE, SIDE, 1), seed)
    _fit(model, whole, steps, seed, progress)
    limits = _limits(model, seen, seed)
    dice, overlap = measure(model, held)
    return Localiser(
        weights=localiser.weights_of(model),
        limits=limits,
        dice=float(dice.mean()),
        overlap=float(overlap.mean()),
        masks=len(held),
        attribution=attribution,
    )


def key_of(seen: Pairs, held: Pairs, seed: int) -> str:
    """Identify what `train` makes of these, by 16 hexadecimal digits."""
    content = hashlib.blake2b(repr((VERSION, STEPS, seed)).encode(), digest_size=8)
    for array in (seen.pictures, seen.masks, held.pictures, held.masks):
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def measure(model: Any, held: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Return for each pair the Dice coefficient of the masks and the overlap of the boxes, 0 to 1.

    `model` gives logits of pictures `(SIDE, SIDE, 1)`. Boxes are without margin; the overlap is
    intersection over union.
    """
    dice, overlap = [], []
    for part in _parts(held):
        logits = model(_reduced(part.pictures), training=False)
        found = np.stack([_resized(own) >= 0 for own in np.asarray(logits)[..., 0]])
        dice.append(dice_of(found, part.masks))
        overlap.append(overlaps(np.asarray(boxes.described(logits)[0]), around(part.masks)))
    return np.concatenate(dice), np.concatenate(overlap)


def around(masks: np.ndarray) -> np.ndarray:
    """Return the boxes `(n, 4)` just around masks `(n, rows, columns)` bool, as shares."""
    edges = []
    for axis in (2, 1):
        inside = np.asarray(masks.any(axis=axis))
        cells = inside.shape[1]
        edges.append(inside.argmax(axis=1) / cells)
        edges.append(1 - inside[:, ::-1].argmax(axis=1) / cells)
    top, bottom, left, right = edges
    return np.stack([top, left, bottom, right], axis=1)


def dice_of(masks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return `(n,)` Dice coefficients of masks `(n, rows, columns)` bool; 1: identical."""
    both = (masks & truth).sum(axis=(1, 2))
    return 2 * both / np.maximum(masks.sum(axis=(1, 2)) + truth.sum(axis=(1, 2)), 1)


def overlaps(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return intersection over union of boxes `(n, 4)`, `(n,)` from 0 to 1."""

    def area(box: np.ndarray) -> np.ndarray:
        return np.prod(np.maximum(box[:, 2:] - box[:, :2], 0), axis=1)

    shared = np.concatenate(
        [np.maximum(one[:, :2], other[:, :2]), np.minimum(one[:, 2:], other[:, 2:])], axis=1
    )
    return area(shared) / np.maximum(area(one) + area(other) - area(shared), 1e-9)


def _fit(model: Any, seen: Pairs, steps: int, seed: int, progress: Progress) -> None:
    import keras
    import tensorflow as tf

    rate = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE / WARM_UP, steps, warmup_target=LEARNING_RATE, warmup_steps=WARM_UP
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY, global_clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build(model.trainable_variables)

    @tf.function(autograph=False)
    def step(pictures: Any, masks: Any) -> None:
        with tf.GradientTape() as tape:
            loss = _loss(model(pictures, training=True), masks)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)

    for pictures, masks in track(progress, _views(seen, steps, seed), "localiser", steps):
        step(pictures, masks)


def _loss(logits: Any, masks: Any) -> Any:
    """Return cross-entropy and, of pictures with something inside, one minus the soft Dice."""
    import tensorflow as tf

    entropy = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(masks, logits))
    found = tf.sigmoid(logits)
    both, one, other = (tf.reduce_sum(x, (1, 2, 3)) for x in (found * masks, found, masks))
    some = tf.cast(other > 0, tf.float32)
    missed = some * (1 - (2 * both + 1) / (one + other + 1))
    return entropy + 0.5 * tf.reduce_sum(missed) / tf.maximum(tf.reduce_sum(some), 1)


def _views(seen: Pairs, steps: int, seed: int) -> Any:
    """Stream `steps` batches of other views; they follow from the seed alone."""
    import tensorflow as tf

    random = np.random.default_rng([seed, 1])
    rounds = -(-steps * BATCH // len(seen))
    order = np.concatenate([random.permutation(len(seen)) for _ in range(rounds)])

    def chosen() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            yield seen.pictures[rows], seen.masks[rows], np.array([seed, step])

    def drawn(pictures: Any, masks: Any, number: Any) -> tuple[Any, Any]:
        return views.view(tf.cast(pictures, tf.float32), tf.cast(masks, tf.float32), number, SIDE)

    shape = (BATCH, KEPT, KEPT)
    signature = (
        tf.TensorSpec(shape, tf.uint8),
        tf.TensorSpec(shape, tf.bool),
        tf.TensorSpec((2,), tf.int64),
    )
    streamed = tf.data.Dataset.from_generator(chosen, output_signature=signature)
    return streamed.map(drawn, tf.data.AUTOTUNE).prefetch(2)


def _limits(model: Any, seen: Pairs, seed: int) -> np.ndarray:
    """Return what is plausible: the usual values of views whose mask and box were found rightly."""
    from keras import ops

    described = []
    for pictures, masks in _views(seen, DESCRIBED, seed + 1):
        logits = model(pictures, training=False)
        found, description = boxes.described(logits)
        wanted, shown = (np.asarray(x)[..., 0] >= 0.5 for x in (masks, ops.sigmoid(logits)))
        right = dice_of(shown, wanted) >= RIGHT
        right &= overlaps(np.asarray(found), around(wanted)) >= RIGHT
        described.append(np.asarray(description)[right])
    usual = np.concatenate(described)
    if len(usual) < FEWEST:
        return np.array(boxes.ANY, np.float32)
    low, high = np.percentile(usual, (RARE, 100 - RARE), axis=0)
    slack = SLACK * (high - low)
    return np.stack([low - slack, high + slack], axis=1).clip(0, 1).astype(np.float32)


def _parts(whole: Pairs) -> Iterator[Pairs]:
    for start in range(0, len(whole), BATCH):
        part = slice(start, start + BATCH)
        yield Pairs(whole.pictures[part], whole.masks[part])


def _reduced(pictures: np.ndarray) -> np.ndarray:
    """Return `(batch, SIDE, SIDE, 1)` float32."""
    return np.stack([_resized(p.astype(np.float32), SIDE) for p in pictures])[..., None]


def _resized(values: np.ndarray, side: int = KEPT) -> np.ndarray:
    """Squash `(height, width)` uint8 or float32 to a square."""
    return np.asarray(Image.fromarray(values).resize((side, side), Image.Resampling.BILINEAR))


def _gray(picture: np.ndarray) -> np.ndarray:
    return picture if picture.ndim == 2 else to_channels(picture, 1)[..., 0]
