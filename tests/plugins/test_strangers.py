"""Architectures of an installed package that are not flat: opened, or refused before training."""

from __future__ import annotations

import numpy as np
import pytest

from zoo import Attribution, Images, InvalidSetting
from zoo.base import registry
from zoo.network import graph
from zoo.runs import model_file, run_folder
from zoo.workflows import train

SIZE, SOURCE = 64, "phantom?images=80&size=64"
PACKAGE = '''
from zoo.base.hooks import hookimpl
from zoo.base.types import Architecture


def sequential(input_shape, num_classes):
    """The way most tutorials build a network."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(num_classes),
        ]
    )


def nested(input_shape, num_classes):
    """The way transfer learning is taught: a frozen backbone that is called as a layer."""
    import keras
    from keras import layers

    inside = keras.Input(input_shape)
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2)(inside))
    x = keras.Sequential([layers.ReLU(), layers.Conv2D(16, 3, strides=2, activation="relu")])(x)
    backbone = keras.Model(inside, x, name="backbone")
    backbone.trainable = False
    pixels = keras.Input(input_shape)
    x = backbone(pixels / 255, training=False)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, layers.Dense(num_classes)(x))


def subclassed(input_shape, num_classes):
    """A network that only its own code can run."""
    import keras
    from keras import layers

    class Network(keras.Model):
        def __init__(self):
            super().__init__()
            self.convolution = layers.Conv2D(8, 3, strides=2, activation="relu")
            self.pooling = layers.GlobalAveragePooling2D()
            self.logits = layers.Dense(num_classes)

        def call(self, pixels):
            return self.logits(self.pooling(self.convolution(pixels / 255)))

    return Network()


@hookimpl
def zoo_architectures():
    return [
        Architecture(
            name=f"odd-{build.__name__}",
            summary=build.__doc__,
            build=build,
            parameters=1,
            input_shape=(64, 64, 3),
            recipe={"epochs": 1},
        )
        for build in (sequential, nested, subclassed)
    ]
'''


@pytest.fixture
def strangers(install):
    install("odd_networks", PACKAGE)
    found = registry.load_registry()
    assert not found.broken
    return found


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        pytest.param("odd-sequential", "network", marks=pytest.mark.slow),
        ("odd-nested", "head"),  # with a Sequential inside
    ],
)
def test_it_is_trained_saved_and_explained_by_every_default_method(
    strangers, name, phase, tmp_path
):
    run = train.train(name, SOURCE, folder=tmp_path, registry=strangers)
    assert [
        row.split(",")[1] for row in (run.path / run_folder.HISTORY).read_text().split()[1:]
    ] == [phase]
    classifier = model_file.load_classifier(run)
    graph.check_flat(classifier.model, (SIZE, SIZE, 3), 2, name)
    assert len(classifier.feature_layer.output.shape) == 4
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    images = Images(pixels, ("x", "y"), (None, None), ("0" * 16, "1" * 16))
    reference = run_folder.load_reference(run)
    methods = [method for method in strangers.explainers.values() if method.default]
    assert {"gradcam", "saliency", "examples"} <= {method.name for method in methods}
    for method in methods:
        for found in method.explain(classifier, images, [0, 1], reference):
            if isinstance(found, Attribution):
                assert found.values.shape == (SIZE, SIZE)
                assert np.isfinite(found.values).all()


def test_what_cannot_be_opened_is_refused_before_anything_is_trained(strangers, tmp_path):
    with pytest.raises(
        InvalidSetting, match=r"'odd-subclassed' builds a Network; .* functional keras\.Model"
    ):
        train.train("odd-subclassed", SOURCE, folder=tmp_path / "runs", registry=strangers)
    assert not (tmp_path / "runs").exists()
