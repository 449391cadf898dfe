"""Networks from elsewhere answer to raw pixels what they answered to what they were fed."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo import BadInput, InvalidSetting
from zoo.network import foreign
from zoo.stats.probabilities import softmax

SHAPE = (24, 24, 3)
PIXELS = np.random.default_rng(0).integers(0, 256, (5, *SHAPE)).astype(np.float32)
FED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "0-255": lambda x: x,
    "0-1": lambda x: x / 255,
    "-1-1": lambda x: x / 127.5 - 1,
    "imagenet": lambda x: (x / 255 - np.array(foreign.MEAN)) / np.array(foreign.DEVIATION),
    "caffe": lambda x: x[..., ::-1] - np.array(foreign.BLUE_GREEN_RED),
}


def network(end: Callable[[Any], Any], *, shape: tuple[int | None, ...] = SHAPE) -> Any:
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    pixels = keras.Input(shape)
    x = layers.Conv2D(5, 3, activation="relu")(pixels)
    return keras.Model(pixels, end(layers.GlobalAveragePooling2D()(x)))


def dense(units: int, activation: str | None = None) -> Callable[[Any], Any]:
    import keras

    return lambda x: keras.layers.Dense(units, activation=activation, name="last")(x)


def ends() -> dict[str, Callable[[Any], Any]]:
    import keras
    from keras import layers, ops

    return {
        "softmax": dense(2, "softmax"),
        "a softmax layer": lambda x: layers.Softmax()(layers.Dense(2)(x)),
        "a softmax operation": lambda x: ops.softmax(layers.Dense(2)(x)),
        "sigmoid": dense(1, "sigmoid"),
        "a sigmoid layer": lambda x: layers.Activation("sigmoid")(layers.Dense(1)(x)),
        "a curve of its own": lambda x: ops.divide(
            1.0, ops.add(1.0, ops.exp(ops.negative(keras.layers.Dense(1)(x))))
        ),
        "percentages": lambda x: ops.multiply(layers.Dense(2, activation="softmax")(x), 100.0),
        "one percentage": lambda x: layers.Rescaling(100.0)(dense(1, "sigmoid")(x)),
        "logits": dense(2),
        "one logit": dense(1),
    }


def as_two(answers: np.ndarray, end: str) -> np.ndarray:
    """Return the probabilities of two classes that a network means."""
    if "logit" in end:
        answers = softmax(answers) if answers.shape[1] == 2 else 1 / (1 + np.exp(-answers))
    if "percentage" in end:
        answers = answers / 100
    return answers if answers.shape[1] == 2 else np.hstack([1 - answers, answers])


@pytest.mark.parametrize("end", ends())
def test_it_answers_as_it_did_whatever_it_was_fed(end: str, tmp_path: Path) -> None:
    model = network(ends()[end])
    model.save(tmp_path / "own.keras")
    opened = foreign.opened(tmp_path / "own.keras", 2)
    for name, feed in FED.items():
        meant = as_two(np.asarray(model(feed(PIXELS).astype(np.float32))), end)
        logits = np.asarray(opened.fed(name)(PIXELS))
        assert np.allclose(softmax(logits), meant, atol=1e-5), name


def test_a_sure_answer_stays_a_logit_that_can_be_followed(tmp_path: Path) -> None:
    model = network(dense(2, "softmax"))
    model.get_layer("last").bias.assign([0.0, 60.0])
    model.save(tmp_path / "own.keras")
    logits = np.asarray(foreign.opened(tmp_path / "own.keras", 2).fed("0-1")(PIXELS))
    assert (logits[:, 1] - logits[:, 0] > 50).all()


def test_a_nested_sequential_network_is_opened(tmp_path: Path) -> None:
    import keras

    inner = network(dense(4))
    outer = keras.Sequential([keras.Input(SHAPE), inner, keras.layers.Dense(3)])
    outer.save(tmp_path / "own.keras")
    fed = foreign.opened(tmp_path / "own.keras", 3).fed("-1-1")
    assert not any(isinstance(layer, keras.Model) for layer in fed.layers)
    assert np.allclose(fed(PIXELS), outer(PIXELS / 127.5 - 1), atol=1e-5)


@pytest.mark.parametrize("held", ["list", "dictionary"])
def test_one_tensor_may_be_held_by_a_list_or_a_dictionary(held: str, tmp_path: Path) -> None:
    import keras

    plain, pixels = network(dense(2)), keras.Input(SHAPE, name="image")
    logits = plain(pixels)
    ends = ([pixels], [logits]) if held == "list" else ({"image": pixels}, {"classes": logits})
    model = keras.Model(*ends)
    model.save(tmp_path / "own.keras")
    fed = foreign.opened(tmp_path / "own.keras", 2).fed("0-255")
    np.testing.assert_allclose(fed(PIXELS), plain(PIXELS), atol=1e-5)


def test_gray_networks_are_fed_gray(tmp_path: Path) -> None:
    model = network(dense(2), shape=(24, 24, 1))
    model.save(tmp_path / "own.keras")
    opened = foreign.opened(tmp_path / "own.keras", 2)
    assert "caffe" not in opened.ranges()
    for name in opened.ranges():
        assert np.asarray(opened.fed(name)(PIXELS[..., :1])).shape == (5, 2)


def test_an_open_input_is_asked_for(tmp_path: Path) -> None:
    network(dense(2), shape=(None, None, 3)).save(tmp_path / "own.keras")
    with pytest.raises(InvalidSetting, match="--input 224"):
        foreign.opened(tmp_path / "own.keras", 2)
    assert foreign.opened(tmp_path / "own.keras", 2, SHAPE).fed("0-1").input_shape[1:] == SHAPE
    network(dense(2)).save(tmp_path / "own.keras")
    with pytest.raises(InvalidSetting, match="differs"):
        foreign.opened(tmp_path / "own.keras", 2, (32, 32, 3))


def several_inputs() -> Any:
    import keras

    one, two = keras.Input(SHAPE), keras.Input(SHAPE)
    return keras.Model([one, two], keras.layers.Flatten()(keras.layers.Add()([one, two])))


def several_outputs() -> Any:
    import keras

    pixels = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(pixels)
    return keras.Model(pixels, [keras.layers.Dense(2)(flat), keras.layers.Dense(2)(flat)])


def infinite() -> Any:
    model = network(dense(2))
    model.get_layer("last").bias.assign([np.inf, 0.0])
    return model


def with_lambda() -> Any:
    import keras

    return network(lambda x: keras.layers.Dense(2)(keras.layers.Lambda(lambda y: y * 2)(x)))


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (several_inputs, "2 inputs"),
        (several_outputs, "several outputs"),
        (infinite, "not finite"),
        (with_lambda, "Lambda layer"),
        (lambda: network(dense(3)), r"shape \(3,\); --classes names 2"),
        (lambda: network(dense(2), shape=(24, 24, 4)), "1 or 3 channels"),
    ],
)
def test_what_could_not_be_used_is_refused(
    build: Callable[[], Any], told: str, tmp_path: Path
) -> None:
    build().save(tmp_path / "own.keras")
    with pytest.raises(InvalidSetting, match=told):
        foreign.opened(tmp_path / "own.keras", 2)


def test_files_that_are_no_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file"):
        foreign.opened(tmp_path / "own.keras", 2)
    (tmp_path / "own.h5").write_bytes(b"\x89HDF")
    with pytest.raises(BadInput, match=r"model\.save\('own\.keras'\)"):
        foreign.opened(tmp_path / "own.h5", 2)
    (tmp_path / "own.keras").write_bytes(b"PK\x03\x04")
    with pytest.raises(BadInput, match=r"not a \.keras file"):
        foreign.opened(tmp_path / "own.keras", 2)
    with zipfile.ZipFile(tmp_path / "own.keras", "w") as archive:
        archive.writestr("../out", "x")
        archive.writestr("config.json", "{}")
    with pytest.raises(BadInput, match=r"not a \.keras file"):
        foreign.opened(tmp_path / "own.keras", 2)


def test_layers_of_ones_own_are_refused_with_the_way_that_is_open(tmp_path: Path) -> None:
    import keras

    class Own(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    network(lambda x: keras.layers.Dense(2)(Own()(x))).save(tmp_path / "own.keras")
    with pytest.raises(InvalidSetting, match="architecture plugin"):
        foreign.opened(tmp_path / "own.keras", 2)
