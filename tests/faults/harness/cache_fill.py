"""Features of a frozen backbone, computed and kept shard by shard, and what a head would see."""

from __future__ import annotations

from pathlib import Path

from zoo.base.files import replacing
from zoo.base.progress import Progress
from zoo.base.registry import load_registry


class Told(Progress):
    """Prints what would be said to a user."""

    def note(self, message: str) -> None:
        print(message)

    warn = note


def fill(_: list[str]) -> None:
    """Compute the features of all images in two views, and write them in their order."""
    import keras
    import numpy as np
    import small_networks

    from zoo.data.verify import verify
    from zoo.network import feature_pass, features
    from zoo.network.graph import frozen_boundary

    feature_pass.BATCH, feature_pass.SHARD_ROWS = 4, 8
    keras.utils.set_random_seed(0)
    model = small_networks.build_frozen(small_networks.INPUT, 2)
    backbone = keras.Model(model.input, frozen_boundary(model))
    dataset = load_registry().dataset("data")
    verified = verify(dataset, skip_broken=False, progress=Told())
    digests = [verified.digests[s.name] for s in dataset.samples]
    values = features.features(
        backbone, dataset, dataset.samples, digests, views=2, preset="chest", progress=Told()
    )
    with replacing(Path("out") / "features.npy") as temporary:
        np.save(temporary, values)
