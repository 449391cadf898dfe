"""Which part of its pictures a training lets the network see, and who finds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.base.cache import LOCALISERS, cache_folder
from zoo.base.cluster import Cluster
from zoo.base.errors import BadInput, NotWritten
from zoo.base.patients import CHEST
from zoo.base.progress import Progress
from zoo.base.types import TRAIN, VALIDATION, Sample
from zoo.data.frames import Frames
from zoo.data.masks import find_masks
from zoo.data.verify import Verified
from zoo.network import localiser as localisers
from zoo.network.features import features
from zoo.network.frame import MASK, found, mask_finder, reading_shape
from zoo.network.localiser import SIDE, Localiser
from zoo.training import localiser as training
from zoo.training.plan import Plan

LOOKED_AT = 200
"""Training images that are looked at to see whether lungs can be found in this kind of images."""
NEARLY_ALL = 0.95
"""Share of them in which lungs are found, from which on they are looked for in all of them."""


@dataclass(frozen=True, eq=False)
class Framing:
    """How the pictures of a training are cut: `frames` is None where whole ones are seen.

    `localiser` is what found the frames, or what finds the parts of an image that heat maps are
    judged by; None where neither is known.
    """

    localiser: Localiser | None = None
    frames: Frames | None = None
    name: str = "whole"
    """What is seen, in a word: 'lungs', 'masks' or 'whole'."""


def read_at(plan: Plan) -> tuple[int, int]:
    """Return the height and width that a training will most likely read its pictures at."""
    reading = reading_shape(plan.input_shape)
    whole = plan.recipe.frame == "whole" or (
        plan.masks is None and plan.recipe.frame == "auto" and min(reading[:2]) < SIDE
    )
    return (plan.input_shape if whole else reading)[:2]


def choose(
    plan: Plan,
    verified: Verified,
    parts: Mapping[str, Sequence[Sample]],
    progress: Progress,
    cluster: Cluster | None = None,
) -> Framing:
    """Find what the network will see of each image, as the plan asks for.

    Raises:
        BadInput: too few masks, or an image or a mask cannot be read.
    """
    asked = plan.recipe.frame
    if plan.masks is not None:
        localiser = _own_localiser(plan, verified, parts, progress)
        if asked == "whole":
            return Framing(localiser)
    elif read_at(plan) == plan.input_shape[:2]:
        return Framing()
    else:
        localiser = localisers.lungs()
    find = mask_finder(localiser, plan.input_shape)
    dataset, digests = verified.dataset, verified.digests

    def looked_at(samples: Sequence[Sample]) -> np.ndarray:
        content = [digests[sample.name] for sample in samples]
        return features(
            find, dataset, samples, content, progress=progress, title="frames", cluster=cluster
        )[:, 0]

    train = parts[TRAIN]
    if asked == "auto" and plan.masks is None and dataset.subject != CHEST:
        few = [train[i] for i in np.linspace(0, len(train) - 1, LOOKED_AT).round().astype(int)]
        if found(looked_at(list(dict.fromkeys(few)))[:, :4]).mean() < NEARLY_ALL:
            return Framing()
    samples = [sample for part in parts.values() for sample in part]
    known = looked_at(samples)
    boxes, masks = known[:, :4], known[:, 4:].reshape(-1, MASK, MASK)
    shown = found(boxes)
    if not shown.all():
        progress.note(
            f"In {int((~shown).sum())} of {len(samples)} images nothing plausible was found to cut "
            "them to: the network sees these whole."
        )
    reading = reading_shape(plan.input_shape)
    content = [digests[sample.name] for sample in samples]
    frames = Frames(
        reading[:2],
        dict(zip(content, boxes, strict=True)),
        dict(zip(content, masks, strict=True)),
        f"{localiser.key}-{reading[0]}x{reading[1]}",
    )
    name = "lungs" if plan.masks is None else "masks"
    return Framing(localiser, frames, name)


def _own_localiser(
    plan: Plan, verified: Verified, parts: Mapping[str, Sequence[Sample]], progress: Progress
) -> Localiser:
    """Train a localiser on the masks of the training part; the same masks are learned only once."""
    dataset = verified.dataset
    masks = find_masks(Path(str(plan.masks)), dataset.samples, dataset.digest)
    seen, held = (training.gather(dataset, parts[p], masks, progress) for p in (TRAIN, VALIDATION))
    seed = plan.recipe.seed
    path = cache_folder() / LOCALISERS / f"{training.key_of(seen, held, seed)}.npz"
    if path.exists():
        try:
            return localisers.load(path)
        except BadInput as error:
            progress.note(f"{error} That is done now.")
    found = training.train(seen, held, steps=training.STEPS, seed=seed, progress=progress)
    try:
        localisers.save(path, found)
    except NotWritten as error:
        progress.warn(f"The localiser cannot be kept for another time: {error}")
    return localisers.as_kept(found)
