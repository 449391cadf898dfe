"""What a network with a frozen backbone gives, by features that are known from another training.

Only its head is new: the clean parts are answered by the features that it was trained on, and what
the backbone gives to stressed pictures is kept on disk beside these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.base.cache import FEATURES, cache_folder
from zoo.base.pictures.images import reading
from zoo.base.progress import Progress, track
from zoo.base.shards import Shards
from zoo.base.types import Sample
from zoo.data import stresses
from zoo.data.pipeline import batches, reading_errors
from zoo.data.verify import Verified
from zoo.network.features import depth_of
from zoo.network.frame import WHOLE
from zoo.runs import novelty
from zoo.runs.outputs import Outputs
from zoo.training.framing import Framing
from zoo.training.inputs import FeatureInputs


@dataclass(frozen=True, eq=False)
class Frozen:
    """The head of a network and the features of each part, `(images, views, features)`.

    `backbone_key` names the backbone, `input_shape` is that of the pictures as they are read.
    """

    head: FeatureInputs
    features: Mapping[str, np.ndarray]
    backbone_key: str
    framing: Framing
    verified: Verified
    parts: Mapping[str, Sequence[Sample]]
    input_shape: tuple[int, int, int]
    progress: Progress

    def outputs(self, part: str) -> Outputs:
        """Return what the network gives to a part, without asking its backbone again."""
        samples, frames = self.parts[part], self.framing.frames
        digests = [self.verified.digests[sample.name] for sample in samples]

        def described(rows: Sequence[int]) -> np.ndarray:
            some = [samples[row] for row in rows]
            streamed = batches(self.verified.dataset, some, self.input_shape)
            told = track(self.progress, streamed, f"describing {part}", len(streamed))
            with reading_errors():
                return np.concatenate([novelty.shapes(batch.numpy()) for batch in told])

        size = "x".join(map(str, self.input_shape))
        name = f"shapes-{novelty.VERSION}-reading-{reading()}-{size}"
        shapes = self._kept(name, digests, described)
        features = self.features[part][:, 0]
        boxes = np.tile(WHOLE, (len(samples), 1)) if frames is None else frames.of(digests)
        return Outputs(self.head.logits(features), features, shapes, boxes)

    def stressed(self, views: Sequence[str], ask: Callable[[], Outputs]) -> Outputs:
        """Return what it gives to stressed pictures; `ask` asks the whole network of all of them.

        `views` names each picture and its stress: what is kept under these names is not asked.
        """

        def answered(rows: Sequence[int]) -> np.ndarray:
            given = ask()
            parts = (given.embeddings, given.shapes, given.boxes)
            return np.concatenate(parts, axis=1, dtype=np.float32)[rows]

        frames = self.framing.frames
        seen = "whole" if frames is None else frames.key
        name = f"{self.backbone_key}-{seen}-stressed-{stresses.VERSION}"
        rows = self._kept(name, views, answered)
        boxes = len(WHOLE)
        width = self.features[next(iter(self.features))].shape[-1]
        features, shapes = rows[:, :width], rows[:, width:-boxes]
        # The head answers in either case: a second training then has the first one's numbers.
        return Outputs(self.head.logits(features), features, shapes, rows[:, -boxes:])

    def _kept(
        self, name: str, views: Sequence[str], compute: Callable[[Sequence[int]], np.ndarray]
    ) -> np.ndarray:
        """Return a row for each of the views; those that are not kept are computed."""
        store = Shards(cache_folder() / FEATURES / name, self.progress)
        keys = [f"{depth_of(self.verified.dataset)}{view}" for view in views]
        found = store.find(keys)
        missing = [row for row, key in enumerate(keys) if key not in found]
        if missing:
            store.append([keys[row] for row in missing], compute(missing))
        return store.rows(keys)
