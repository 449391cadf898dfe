"""A stranger's transformer with layers of its own: trained, and used in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from zoo import DamagedRun, Images, InvalidSetting
from zoo.base import registry
from zoo.network import conformance
from zoo.network.plugin_layers import forgotten
from zoo.runs import model_file, run_folder
from zoo.workflows import ensemble, train

SOURCE = "phantom?images=60&size=64"
PACKAGE = '''
from zoo.base.hooks import hookimpl
from zoo.base.types import Architecture


def build(input_shape, num_classes, keeps=True):
    """A transformer of two blocks; its classes are known only once it is built."""
    import keras
    from keras import layers, ops

    class Positions(layers.Layer):
        def __init__(self, scale=0.02, **named):
            super().__init__(**named)
            self.scale = scale

        def build(self, shape):
            start = keras.initializers.RandomNormal(self.scale)
            self.table = self.add_weight(shape=shape[1:], initializer=start, name="table")

        def call(self, x):
            return x + self.table

        def get_config(self):
            return {**super().get_config(), "scale": self.scale}

    class Untold(Positions):
        def get_config(self):
            raise NotImplementedError

    side = input_shape[0] // 8
    pixels = keras.Input(input_shape)
    x = layers.Conv2D(16, 8, strides=8)(pixels / 255)
    x = (Positions if keeps else Untold)(name="positions")(layers.Reshape((side * side, 16))(x))
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, 8)(y, y)
        x = x + layers.Dense(16, activation="gelu")(layers.LayerNormalization()(x))
    x = ops.mean(layers.LayerNormalization()(x), axis=1)
    return keras.Model(pixels, layers.Dense(num_classes)(x))


def random_front(input_shape, num_classes):
    """A frozen backbone behind a layer that turns pictures over."""
    import keras
    from keras import layers

    pixels = keras.Input(input_shape)
    x = layers.RandomFlip(name="turned")(layers.Rescaling(1 / 255)(pixels))
    x = layers.Conv2D(8, 3, strides=4, trainable=False)(x)
    return keras.Model(pixels, layers.Dense(num_classes)(layers.GlobalAveragePooling2D()(x)))


@hookimpl
def zoo_architectures():
    from functools import partial

    made = {"their-vit": build, "untold": partial(build, keeps=False), "front": random_front}
    return [
        Architecture(
            name=name,
            summary="",
            build=make,
            parameters=1,
            input_shape=(32, 32, 3),
            recipe={"epochs": 1, "frame": "whole", "fine_tune_epochs": int(name == "front")},
        )
        for name, make in made.items()
    ]
'''
USE = """
import json, sys
from pathlib import Path
import numpy as np
from zoo.runs import model_file, run_folder

told = []
for path in sys.argv[1:]:
    run = run_folder.open_run(Path(path))
    classifier = model_file.load_classifier(run)
    told.append(classifier.logits(np.load("pixels.npy")).tolist())
print(json.dumps(told))
"""


@pytest.fixture
def strangers(install):
    install("their_net", PACKAGE)
    return registry.load_registry()


@pytest.mark.slow
def test_what_its_transformer_answers_is_answered_in_another_process(
    strangers, tmp_path, monkeypatch
):
    tried = []
    monkeypatch.setattr(
        conformance, "refuse_misfits", lambda verdicts, name: tried.extend(verdicts)
    )
    run = train.train("their-vit", SOURCE, folder=tmp_path / "runs", registry=strangers)
    verdicts = {one.name: one for one in tried}
    assert all(one.fits for one in tried)
    assert "Positions" in verdicts["fresh process"].told
    assert verdicts["feature map"].told == "4 x 4 tokens"
    (built,) = run.record["built_by"]
    assert (built["plugin"], built["version"]) == ("their_net:their_net", "1.0")
    twice = ensemble.ensemble([run], shifts=True, folder=tmp_path / "runs", registry=strangers)
    classifier = model_file.load_classifier(run)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    images = Images(pixels, ("x", "y"), (None, None), ("0" * 16, "1" * 16))
    for method in ("gradcam", "gradcam++", "scorecam"):
        maps = strangers.explainer(method).explain(classifier, images, [0, 1])
        assert all(np.isfinite(one.values).all() for one in maps)
        assert max(one.values.max() for one in maps) > 0
    np.save(tmp_path / "pixels.npy", pixels)
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", USE, str(run.path), str(twice.path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        check=True,
    )
    alone, joined = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_allclose(alone, classifier.logits(pixels), rtol=1e-4, atol=1e-4)
    both = model_file.load_classifier(twice)
    np.testing.assert_allclose(joined, both.logits(pixels), rtol=1e-4, atol=1e-4)
    here = str(tmp_path / "site-packages")
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one != here])
    with forgotten(), pytest.raises(DamagedRun, match=r"'their_net:their_net' 1.0.*not installed"):
        model_file.load_classifier(run)


def test_layers_that_cannot_be_saved_are_refused_before_anything_is_written(strangers, tmp_path):
    with pytest.raises(InvalidSetting, match=r"cannot be saved and loaded.*get_config"):
        train.train("untold", SOURCE, folder=tmp_path / "runs", registry=strangers)
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_random_layer_before_a_frozen_backbone_is_trained_with(strangers, tmp_path):
    run = train.train("front", SOURCE, folder=tmp_path, registry=strangers)
    rows = (run.path / run_folder.HISTORY).read_text().split()[1:]
    assert [row.split(",")[1] for row in rows] == ["network", "fine-tune"]
