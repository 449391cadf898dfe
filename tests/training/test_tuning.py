"""What is chosen on the validation part counts it as it is and under stress alike."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from plugins.readers.phantom.cohort import Cohort
from zoo import Dataset
from zoo.base.progress import SILENT
from zoo.base.recipe import Recipe
from zoo.base.types import VALIDATION
from zoo.data.stresses import MIDDLE, STRESSES, stressed
from zoo.network.classifier import TrainedClassifier
from zoo.stats.labelled_logits import LabelledLogits
from zoo.training.tuning import VIEWS, drawn, tune, under_stress

SIDE = 32
COHORT = Cohort(seed=1, size=64, prevalence=0.5, difficulty=0.3, extent=1.0)
RECIPE = Recipe()
DIGESTS = [f"{n:016x}" for n in range(300)]


def test_stresses_are_drawn_by_the_content_of_an_image_alone():
    for digest in DIGESTS[:20]:
        names = drawn(digest)
        assert names == drawn(digest)
        assert len(set(names)) == VIEWS
    assert {name for digest in DIGESTS for name in drawn(digest)} == set(STRESSES)


def test_the_network_is_asked_about_each_image_under_its_stresses():
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    pixels = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(pixels))
    model = keras.Model(pixels, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    samples = COHORT.samples(5)
    data = Dataset(
        source="here",
        class_names=("a", "b"),
        samples=samples,
        read=COHORT.read,
        digest=COHORT.digest,
    )
    digests = {sample.name: COHORT.digest(sample) for sample in samples}
    classifier = TrainedClassifier(model, data.class_names, 1)
    found = under_stress(
        SimpleNamespace(
            classifier=classifier,
            parts={VALIDATION: samples},
            verified=SimpleNamespace(dataset=data, digests=digests),
            frozen=None,
            progress=SILENT,
        )
    )
    assert len(found.outputs.logits) == len(found.answers.labels) == VIEWS * len(samples)
    for row in range(VIEWS * len(samples)):
        view, number = divmod(row, len(samples))
        sample = samples[number]
        digest = digests[sample.name]
        picture = stressed(COHORT.read(sample, (SIDE, SIDE)), drawn(digest)[view], MIDDLE, digest)
        logits, embeddings = classifier.outputs(picture[None])
        np.testing.assert_allclose(found.outputs.logits[row], logits[0], atol=1e-4)
        np.testing.assert_allclose(found.outputs.embeddings[row], embeddings[0], atol=1e-4)
        assert found.answers.names[row] == sample.name
        assert found.answers.patients[row] == sample.patient
        assert found.answers.labels[row] == sample.label
    plain = classifier.logits(np.stack([COHORT.read(s, (SIDE, SIDE)) for s in samples]))
    assert np.abs(found.outputs.logits[: len(samples)] - plain).max() > 1e-3


def answers(shift: float, times: int = 1, seed: int = 0, classes: int = 2) -> LabelledLogits:
    """Give answers about 60 patients, one image each, with all logits of the last class moved."""
    random = np.random.default_rng(seed)
    labels = np.tile(np.arange(60) % classes, times)
    logits = 2.0 * np.eye(classes)[labels] + random.normal(0, 1.2, (60 * times, classes))
    logits[:, -1] += shift
    patients = np.tile([f"p{n}" for n in range(60)], times)
    return LabelledLogits(logits.astype(np.float32), labels, patients, patients)


def test_the_threshold_lies_between_those_of_clean_and_of_stressed_images():
    clean, under = answers(0.0), answers(2.0, VIEWS, seed=1)
    point = tune(clean, under, 1, RECIPE).point
    assert point["clean"] < point["threshold"] < point["stressed"]
    assert point["images"] == 2 * VIEWS * 60  # both count alike
    assert point["patients"] == 60
    alike = tune(clean, clean, 1, RECIPE).point
    assert alike["clean"] == alike["stressed"] == alike["threshold"]


def test_a_sensitivity_that_is_asked_for_is_reached_on_both_together():
    asked = Recipe(sensitivity=0.95)
    clean, under = answers(0.0), answers(-2.0, VIEWS, seed=1)
    point = tune(clean, under, 1, asked).point
    assert point["rule"] == "sensitivity"
    assert point["sensitivity"]["value"] >= 0.95
    assert point["stressed"] < point["threshold"] < point["clean"]


def test_a_network_that_is_too_sure_under_stress_gets_a_higher_temperature():
    clean, wrong = answers(0.0), answers(0.0, VIEWS, seed=1)
    misled = LabelledLogits(wrong.logits, 1 - wrong.labels, wrong.patients, wrong.names)
    assert tune(clean, misled, 1, RECIPE).temperature > tune(clean, clean, 1, RECIPE).temperature


def test_of_three_classes_there_is_a_temperature_and_no_threshold():
    tuned = tune(answers(0.0, classes=3), answers(0.0, VIEWS, classes=3), 1, RECIPE)
    assert tuned.point is None
    assert tuned.temperature == pytest.approx(1, rel=1)
