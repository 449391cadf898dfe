from __future__ import annotations

import random
import threading

import keras
import numpy as np
from keras import layers
from keras.src.random import seed_generator

from zoo import Architecture
from zoo.base.recipe import Recipe
from zoo.network import graph
from zoo.training.plan import Plan, build, unfreeze


def test_first_weights_follow_from_the_seed_whatever_other_threads_draw():
    drawn = threading.Event()

    def network(input_shape, num_classes):
        pixels = keras.Input(input_shape)
        x = layers.Conv2D(3, 3)(pixels)
        if drawn.is_set():
            other = threading.Thread(target=random.random)
            other.start()
            other.join()
        return keras.Model(pixels, layers.Dense(num_classes)(layers.Flatten()(x)))

    def first(seed):
        plan = Plan(
            Architecture(name="net", summary="One layer.", build=network, parameters=84),
            Recipe(seed=seed),
            {},
            (8, 8, 3),
            "phantom",
            None,
            skip_broken=False,
        )
        return np.concatenate([np.ravel(w) for w in build(plan, 2).get_weights()])

    alone = first(3)
    drawn.set()
    assert np.array_equal(first(3), alone)
    assert not np.array_equal(first(4), alone)
    assert seed_generator.python_random is random, "nothing stays of it"


def test_fine_tuning_trains_all_but_normalisation_and_what_chooses_the_part_that_is_seen():
    pixels = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 3, name=f"{graph.FRAME}conv", trainable=False)(pixels)
    x = layers.Conv2D(3, 3, name="conv", trainable=False)(x)
    x = layers.BatchNormalization(name="norm")(x)
    model = keras.Model(pixels, layers.Dense(2, name="head")(layers.Flatten()(x)))
    unfreeze(model)
    weights = model.trainable_weights
    assert {w.path.split("/")[0] for w in weights} == {"conv", "head"}
