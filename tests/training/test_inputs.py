from __future__ import annotations

import numpy as np

from plugins.readers.phantom import zoo_read_dataset
from zoo.base.progress import Silent
from zoo.base.recipe import Recipe
from zoo.training.inputs import PixelInputs


class Told(Silent):
    """Remembers the stretches, and how many steps each has had."""

    def __init__(self) -> None:
        self.stretches: list[list] = []

    def start(self, title: str, total: int) -> None:
        self.stretches.append([title, total, 0])

    def advance(self, steps: int = 1) -> None:
        self.stretches[-1][2] += steps


def test_each_batch_that_is_answered_is_told() -> None:
    import keras

    dataset = zoo_read_dataset("phantom", {"images": "70", "size": "64"})
    assert dataset is not None
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    digests = {sample.name: dataset.digest(sample) for sample in dataset.samples}
    told = Told()
    held = dataset.samples[:66]
    inputs = PixelInputs(model, dataset, dataset.samples, held, digests, None, Recipe(), told)
    logits, labels = inputs.validation()
    assert logits.shape == (66, 2)
    assert labels.tolist() == [sample.label for sample in held]
    np.testing.assert_allclose(inputs.logits(held[:3]), logits[:3], rtol=1e-4)
    assert told.stretches == [["validation", 3, 3], ["answers", 1, 1]]
