"""Each engine answers as Keras does, for every architecture, and says what it cannot do."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from zoo import InvalidSetting, UnknownName
from zoo.base.registry import load_registry
from zoo.network import export_formats, frame, localiser
from zoo.network.classifier import TrainedClassifier
from zoo.network.engines import engine as engines
from zoo.network.engines.answering import BOX, EMBEDDING, LOGITS, PLAUSIBILITY, answering
from zoo.network.engines.engine import ENGINES, NAMES
from zoo.network.engines.preparing import disagreement

ARCHITECTURES = ("alexnet", "efficientnet", "mnist", "scratch")
SIDE = 64


def flat():
    pixels = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(6, 3, strides=2, activation="relu", name="_own")(pixels / 255)
    x = layers.GlobalAveragePooling2D()(layers.Dropout(0.5)(x))
    return keras.Model(pixels, layers.Dense(2)(x), name="flat")


def network(name):
    keras.utils.set_random_seed(0)
    if name == "framed":
        return frame.framed(flat(), localiser.lungs())
    return load_registry().architecture(name).build((SIDE, SIDE, 3), 2)


def noise(model, count):
    shape = (count, *model.input_shape[1:])
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ARCHITECTURES, "framed"])
def test_every_engine_agrees_with_keras(name, tmp_path):
    classifier = TrainedClassifier(network(name), ("a", "b"), 1, 1.5)
    pixels = noise(classifier.model, 5)
    wanted, written = classifier.answers(pixels), set()
    found = [engine for engine in ENGINES.values() if not engine.missing]
    if not found:
        pytest.skip("no package of an engine is installed")
    for engine in found:
        path = tmp_path / engine.form.file
        if path not in written:
            engine.form.write(answering(classifier.model), path)
            written.add(path)
        call = engine.open(path)
        for part in (slice(0, 1), slice(0, 5), slice(2, 4)):  # any number of images
            given = call(pixels[part].astype(np.float32))
            off = disagreement(given, tuple(values[part] for values in wanted), 1.5)
            assert off < 1e-4, (engine.name, part)


def test_what_is_converted_gives_all_that_an_answer_needs():
    model = flat()
    assert set(answering(model).output) == {LOGITS, EMBEDDING}
    framed = network("framed")
    given = answering(framed)(noise(framed, 3).astype(np.float32))
    assert {name: tuple(values.shape) for name, values in given.items()} == {
        LOGITS: (3, 2),
        EMBEDDING: (3, 6),
        BOX: (3, 4),
        PLAUSIBILITY: (3,),
    }
    classifier = TrainedClassifier(framed, ("a", "b"), 1)
    wanted = classifier.answers(noise(framed, 3))
    np.testing.assert_allclose(given[LOGITS], wanted[0], atol=1e-5)
    np.testing.assert_allclose(given[EMBEDDING], wanted[1], atol=1e-5)
    np.testing.assert_allclose(given[BOX], wanted[2], atol=1e-6)


def test_how_plausible_a_box_is_has_the_sign_of_whether_it_is_kept():
    from zoo.network.boxes import DESCRIPTION, FindBox, Plausibility, described

    logits = np.full((1, 40, 40, 1), -9, np.float32)
    logits[:, 10:30, 5:35] = 9
    area = float(described(logits)[1][0, DESCRIPTION.index("area")])
    for low, kept in ((area - 0.02, True), (area + 0.03, False)):
        limits = [[0.0, 1.0]] * len(DESCRIPTION)
        limits[DESCRIPTION.index("area")] = [low, 1.0]
        inside = float(Plausibility(limits)(logits)[0])
        np.testing.assert_allclose(inside, area - low, atol=1e-5)  # 0 and 1 are no limits
        assert bool(frame.found(np.asarray(FindBox(limits)(logits)))[0]) is kept


def test_an_answer_that_is_off_is_told_by_how_much():
    wanted = (np.array([[0.0, 2.0]]), np.array([[10.0, 4.0]]), frame.WHOLE[None])
    same = {LOGITS: wanted[0], EMBEDDING: wanted[1]}
    assert disagreement(same, wanted, 1.0) == 0
    assert disagreement(same | {EMBEDDING: wanted[1] + 0.1}, wanted, 1.0) == pytest.approx(0.01)
    assert disagreement(same | {LOGITS: wanted[0] + 0.1}, wanted, 1.0) == pytest.approx(0.05)
    assert disagreement(same | {BOX: wanted[2] * 0.9}, wanted, 1.0) == pytest.approx(0.1)
    assert np.isnan(disagreement(same | {LOGITS: wanted[0] * np.nan}, wanted, 1.0))


def test_names_are_known_before_anything_is_done(monkeypatch):
    assert NAMES[:2] == ("auto", "keras")
    with pytest.raises(UnknownName, match="Did you mean 'onnx'"):
        engines.named("onxx")
    monkeypatch.setattr(engines, "find_spec", lambda _: None)
    with pytest.raises(InvalidSetting, match=r"needs openvino and .*xray-zoo\[openvino\]"):
        engines.named("openvino").check_packages()


def test_formats_give_what_was_written_by_its_name(tmp_path):
    form = export_formats.FORMATS["savedmodel"]
    model = flat()
    form.write(answering(model), tmp_path / form.file)
    given = form.open(tmp_path / form.file)(noise(model, 2).astype(np.float32))
    assert set(given) == {LOGITS, EMBEDDING}
