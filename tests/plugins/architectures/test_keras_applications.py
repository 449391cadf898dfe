from __future__ import annotations

import inspect
import re

import keras
import numpy as np
import pytest
from torch_writing import write_torch

from plugins.architectures import keras_applications
from plugins.architectures.keras_applications.downloads import FILES
from plugins.architectures.keras_applications.models import FAMILIES, MODELS
from plugins.backbones import applications, torch_densenet
from plugins.backbones.scaling import INSIDE, scaled
from zoo import BadInput, InvalidSetting, MissingWeights
from zoo.base.registry import load_registry
from zoo.network import conformance
from zoo.network.building import build_network
from zoo.network.cost import multiply_adds
from zoo.runs import run_folder
from zoo.workflows.train import train

SMALL = (96, 96, 3)
QUICK = ("MobileNet", "MobileNetV3Small")
SMALLEST = {
    min((n for n in MODELS if MODELS[n].family == family), key=lambda n: MODELS[n].parameters)
    for family in FAMILIES
}
"""One network of each paper: larger ones have the same layers, and take minutes and gigabytes."""
OTHERS = sorted(SMALLEST - set(QUICK))
ALL = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
RANDOM = {"weights": "none"}


def picture(seed: int = 0, shape: tuple[int, int, int] = SMALL) -> np.ndarray:
    """A picture of smooth structure with noise, as photographs have."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (1, 6, 6, shape[2])).astype("float32")
    smooth = np.asarray(keras.ops.image.resize(coarse, shape[:2], interpolation="bicubic"))
    return np.clip(smooth + rng.normal(0, 10, (1, *shape)), 0, 255).astype("float32")


@pytest.fixture(scope="module")
def registry():
    return load_registry()


def test_every_network_of_keras_has_its_name(registry):
    given = {name for name in dir(keras.applications) if name[0].isupper()}
    assert given == MODELS.keys()
    assert {f"keras:{name}" for name in given} <= registry.architectures.keys()


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_pixels_are_made_into_what_keras_publishes(family):
    """A scaling that is done twice, or not at all, is the commonest mistake with these networks."""
    published = getattr(keras.applications, family).preprocess_input
    rgb = keras.Input(SMALL)
    ours = keras.Model(rgb, scaled(rgb, FAMILIES[family].scale))(picture()).numpy()
    np.testing.assert_allclose(ours, published(picture().copy()), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", [f for f in FAMILIES if FAMILIES[f].scale == INSIDE])
def test_networks_that_scale_inside_say_so(family):
    members = [name for name, model in MODELS.items() if model.family == family]
    made = [getattr(keras.applications, name) for name in members]
    assert all(
        "include_preprocessing" in inspect.signature(one).parameters or family == "efficientnet"
        for one in made
    )


@pytest.mark.parametrize(
    "name",
    [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in ("DenseNet121", "ResNet50"))],
)
def test_it_answers_as_the_published_network_does(name):
    module = getattr(keras.applications, MODELS[name].family)
    published = getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=SMALL
    )
    rgb = keras.Input(SMALL)
    inside = scaled(rgb, FAMILIES[MODELS[name].family].scale)
    ours = keras.Model(rgb, applications.network(name, inside, "none", None, "").output)
    ours.set_weights(published.get_weights())
    expected = np.asarray(published(module.preprocess_input(picture().copy()), training=False))
    given = np.asarray(ours(picture(), training=False))
    np.testing.assert_allclose(given, expected, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("name", [pytest.param(QUICK[0], marks=pytest.mark.slow), *ALL[1:]])
def test_it_is_built_as_declared_and_keeps_what_is_promised(registry, name):
    architecture = registry.architecture(f"keras:{name}")
    model = build_network(architecture, options=RANDOM)
    assert model.count_params() == architecture.parameters
    assert multiply_adds(model) == architecture.multiply_adds
    assert [one.path for one in model.trainable_variables] == ["logits/kernel"]
    rows, columns = model.get_layer("standardised").output.shape[1:3]
    assert rows == columns
    assert rows in ((8, 10) if "Inception" in name else (10,))
    side = max(64, FAMILIES[MODELS[name].family].smallest)
    small = build_network(architecture, 3, input_shape=(side, side, 1), options=RANDOM)
    verdicts = conformance.tried(small, elsewhere=False)
    assert [one.told for one in verdicts if not one.fits] == []


@pytest.mark.parametrize("name", ALL)
def test_it_looks_for_the_file_that_keras_downloads(name, monkeypatch, tmp_path, capsys):
    asked = []

    def unreachable(*args, **named):
        asked.append(named.get("fname", args[0] if args else ""))
        print("Downloading data")
        raise Exception("URL fetch failure on https://a.example/b.h5: None -- no such host")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", unreachable)
    with pytest.raises(MissingWeights, match=r"a\.example/b\.h5\. .*weights=none.*weights=PATH"):
        keras_applications.build(name, SMALL, 2)
    assert capsys.readouterr().out == ""
    assert asked == [FILES[name]]
    assert not applications.cached(FILES[name])
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / FILES[name]).touch()
    assert applications.cached(FILES[name])


@pytest.fixture(scope="module")
def mobilenet():
    return keras.applications.MobileNet(include_top=False, weights=None, input_shape=SMALL)


def first_kernel(model) -> np.ndarray:
    return np.asarray(model.get_layer("conv1").kernel)


@pytest.mark.parametrize("kind", ["x.weights.h5", "x_notop.h5", "x.keras", "x.safetensors"])
def test_weights_are_taken_from_a_file(mobilenet, tmp_path, kind):
    path = tmp_path / kind
    if kind == "x.safetensors":
        from safetensors.numpy import save_file

        save_file({one.path: np.asarray(one) for one in mobilenet.variables}, path)
    elif kind == "x.weights.h5":
        mobilenet.save_weights(path)
    else:
        mobilenet.save(path)
    built = keras_applications.build("MobileNet", SMALL, 2, weights=str(path))
    np.testing.assert_array_equal(first_kernel(built), first_kernel(mobilenet))
    deep = "conv_pw_11"
    np.testing.assert_array_equal(
        built.get_layer(deep).get_weights()[0], mobilenet.get_layer(deep).get_weights()[0]
    )


@pytest.mark.parametrize("kind", ["x.weights.h5", "x.keras", "x.safetensors", "x.pt", "x.npz"])
def test_a_file_that_is_none_is_refused_in_one_sentence(tmp_path, kind):
    path = tmp_path / kind
    path.write_bytes(b"no weights")
    with pytest.raises(BadInput, match=re.escape(str(path))):
        keras_applications.build("MobileNet", SMALL, 2, weights=str(path))


def test_weights_of_another_network_are_refused(mobilenet, tmp_path):
    path = tmp_path / "mobile.weights.h5"
    mobilenet.save_weights(path)
    with pytest.raises(BadInput, match="does not hold the weights of MobileNetV3Small"):
        keras_applications.build("MobileNetV3Small", SMALL, 2, weights=str(path))


def test_a_network_that_scales_pixels_itself_has_one_scaling(tmp_path):
    path = tmp_path / "RadImageNet-x_notop.h5"
    path.touch()
    with pytest.raises(InvalidSetting, match="trained_on"):
        keras_applications.build("MobileNetV3Small", SMALL, 2, weights=str(path))


@pytest.mark.parametrize(("name", "smallest"), [("Xception", "71"), ("MobileNet", "32")])
def test_too_small_an_input_is_refused(name, smallest):
    with pytest.raises(InvalidSetting, match=smallest):
        keras_applications.build(name, (16, 16, 3), 2, weights="none")


def torch_state(model: keras.Model) -> dict[str, np.ndarray]:
    """Name the weights of a DenseNet of Keras as PyTorch does."""
    parts = ("weight", "bias", "running_mean", "running_var")
    state = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            name = torch_densenet._name(layer.name)
            values = dict(zip(parts, layer.get_weights(), strict=True))
            state.update({f"features.{name}.{part}": value for part, value in values.items()})
        elif layer.weights:
            kernel = layer.get_weights()[0].transpose(3, 2, 0, 1)
            state[f"features.{torch_densenet._name(layer.name)}.weight"] = kernel
    return state


@pytest.fixture(scope="module")
def gray_densenet():
    """A DenseNet of one channel with random statistics, so that each weight counts."""
    model = keras.applications.DenseNet121(include_top=False, weights=None, input_shape=(64, 64, 1))
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return model


@pytest.mark.parametrize("whole", [False, True])
def test_torchxrayvision_sees_gray_from_minus_1024_to_1024(gray_densenet, tmp_path, whole):
    path = tmp_path / "nih-densenet121.pt"
    write_torch(path, torch_state(gray_densenet), whole=whole)
    built = keras_applications.build("DenseNet121", (64, 64, 1), 2, "last", weights=str(path))
    pixels = picture(shape=(64, 64, 1))
    expected = np.asarray(gray_densenet((2 * (pixels / 255) - 1) * 1024, training=False))
    relu = built.get_layer("standardised").input
    given = np.asarray(keras.Model(built.input, relu)(pixels, training=False))
    np.testing.assert_allclose(given, expected, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize(("name", "trained_on"), [("RadImageNet-x", "auto"), ("x", "radimagenet")])
def test_radimagenet_sees_what_its_code_feeds(mobilenet, tmp_path, name, trained_on):
    """Their code for Keras: `imagenet_utils.preprocess_input`, and then a rescaling by 1/255."""
    path = tmp_path / f"{name}_notop.h5"
    mobilenet.save(path)
    built = keras_applications.build(
        "MobileNet", SMALL, 2, weights=str(path), trained_on=trained_on
    )
    entering = keras.Model(built.input, built.get_layer("pixels_scaled").output)
    published = keras.applications.imagenet_utils.preprocess_input(picture().copy()) / 255
    np.testing.assert_allclose(entering(picture()).numpy(), published, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MobileNetV3Small", "DenseNet121"])
def test_it_is_trained_on_frozen_features_and_used(name, registry, tmp_path):
    run = train(
        f"keras:{name}",
        "phantom?images=60&size=96",
        preset="fast",
        changes={"weights": "none", "epochs": 3, "cases": 8, "views": 1, "frame": "whole"},
        input_shape=SMALL,
        folder=tmp_path,
        registry=registry,
    )
    assert run.path.name.startswith(f"keras-{name}-")
    assert run.record["architecture"] == f"keras:{name}"
    assert run_folder.open_run(run.path.name, tmp_path).record["status"] == "done"
