"""Which methods a network is explained by, where none is named."""

from __future__ import annotations

import keras
import pytest
from keras import layers, ops

from zoo import Explainer, load_registry
from zoo.interpret.choice import serves
from zoo.network.classifier import TrainedClassifier
from zoo.network.ensemble import Member, joined

SHAPE = (16, 16, 1)


def network(*filters):
    """Give a network with a tower of convolution for each number; none: dense layers alone."""
    pixels = keras.Input(SHAPE)
    towers = [layers.GlobalAveragePooling2D()(layers.Conv2D(n, 3)(pixels)) for n in filters]
    x = ops.concatenate(towers, axis=1) if towers else layers.Flatten()(pixels)
    return keras.Model(pixels, layers.Dense(2)(x))


NETWORKS = {
    "one map": lambda: network(3),
    "several maps": lambda: joined([Member(network(n), 1.0) for n in (3, 4)], None),
    "two towers": lambda: network(3, 4),
    "no convolution": network,
}
WITHOUT = {
    "one map": set(),
    "several maps": set(),
    "two towers": {"gradcam", "gradcam++", "scorecam"},
    "no convolution": {"gradcam", "gradcam++", "scorecam"},
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_method_is_left_out_where_there_is_no_map_for_it(kind):
    classifier = TrainedClassifier(NETWORKS[kind](), ("A", "B"), 1)
    own = {"gradcam", "gradcam++", "scorecam", "saliency", "smoothgrad", "shap", "examples"}
    methods = [one for one in load_registry().explainers.values() if one.name in own]
    assert all(isinstance(one, Explainer) for one in methods)
    assert {one.name for one in methods if not serves(one, classifier)} == WITHOUT[kind]
