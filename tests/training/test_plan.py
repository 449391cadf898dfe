from __future__ import annotations

import keras
from keras import layers

from zoo.network import graph
from zoo.training.plan import unfreeze


def test_fine_tuning_trains_all_but_normalisation_and_what_chooses_the_part_that_is_seen():
    pixels = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 3, name=f"{graph.FRAME}conv", trainable=False)(pixels)
    x = layers.Conv2D(3, 3, name="conv", trainable=False)(x)
    x = layers.BatchNormalization(name="norm")(x)
    model = keras.Model(pixels, layers.Dense(2, name="head")(layers.Flatten()(x)))
    unfreeze(model)
    weights = model.trainable_weights
    assert {w.path.split("/")[0] for w in weights} == {"conv", "head"}
