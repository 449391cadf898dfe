"""Presets of KerasHub, each family tiny and with random weights in a preset's own layout."""

from __future__ import annotations

import inspect
import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest
from known_networks import classifier_of, images_of

from explain import attention_rollout
from plugins.architectures import keras_hub as hub
from plugins.architectures.keras_hub import preset_files, tokens
from plugins.architectures.keras_hub.costs import COSTS
from plugins.architectures.keras_hub.presets import PRESETS
from plugins.backbones import head
from zoo import BadInput, InvalidSetting, Option
from zoo.base.registry import Registry, load_registry
from zoo.network import conformance, graph
from zoo.network.cost import multiply_adds
from zoo.network.export_formats import FORMATS
from zoo.network.feature_map import only_map
from zoo.testing import check_architecture
from zoo.workflows.export import export
from zoo.workflows.train import train

VIT, DINOV2, RESNET = "vit_base_patch16_224_imagenet", "dinov2_small", "resnet_18_imagenet"
SIDE = 64
BLOCKS = {"num_layers": 3, "num_heads": 2, "hidden_dim": 16}
STACKS = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "stackwise_num_filters": [64, 8, 8, 16],
    "stackwise_num_blocks": [1, 1, 1, 1],
    "stackwise_num_strides": [1, 2, 2, 2],
}
TINY = {
    VIT: {**BLOCKS, "patch_size": [16, 16], "mlp_dim": 32, "image_shape": [SIDE, SIDE, 3]},
    "deit_tiny_distilled_patch16_224_imagenet": {
        **BLOCKS,
        "patch_size": [16, 16],
        "intermediate_dim": 32,
        "image_shape": [SIDE, SIDE, 3],
    },
    DINOV2: {
        **BLOCKS,
        "patch_size": 8,
        "intermediate_dim": 32,
        "image_shape": [SIDE, SIDE, 3],
        "position_embedding_shape": [SIDE, SIDE],
    },
    "dinov2_with_registers_giant": {
        **BLOCKS,
        "patch_size": 8,
        "intermediate_dim": 32,
        "num_register_tokens": 4,
        "use_swiglu_ffn": True,
        "image_shape": [SIDE, SIDE, 3],
        "position_embedding_shape": [SIDE, SIDE],
    },
    RESNET: {**STACKS, "block_type": "basic_block"},
    "resnet_v2_50_imagenet": {
        **STACKS,
        "block_type": "bottleneck_block",
        "use_pre_activation": True,
    },
    "resnet_vd_50_imagenet": {**STACKS, "block_type": "bottleneck_block_vd"},
    "densenet_121_imagenet": {
        "stackwise_num_repeats": [1, 1, 1, 1],
        "compression_ratio": 0.5,
        "growth_rate": 8,
    },
    "efficientnet_b0_ra_imagenet": {
        **PRESETS["efficientnet_b0_ra_imagenet"].settings,
        "stackwise_width_coefficients": [0.25] * 7,
        "stackwise_depth_coefficients": [0.3] * 7,
    },
}
"""A network of each family, and of each kind of block that its presets have."""
SCALE, OFFSET = [0.01, 0.02, 0.03], [-0.1, 0.2, -0.3]

installed = pytest.mark.skipif(find_spec("keras_hub") is None, reason="KerasHub is not installed")


def pictures(count: int = 2, shape: tuple[int, int, int] = (SIDE, SIDE, 3)) -> np.ndarray:
    random = np.random.default_rng(count)
    return random.uniform(0, 255, (count, *shape)).astype(np.float32)


def saved_settings(folder: Path, settings: dict[str, object]) -> Path:
    """Save the settings of a ViT with a file of weights that is none."""
    folder.mkdir()
    config = {"class_name": "ViTBackbone", "config": settings}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.weights.h5").write_bytes(b"none")
    (folder / "image_converter.json").write_text(json.dumps({"config": {}}))
    return folder


def saved(name: str, folder: Path) -> object:
    """Save a tiny backbone of random weights as KerasHub saves a preset, and return it."""
    import keras_hub

    backbone = getattr(keras_hub.models, PRESETS[name].family.backbone)(**TINY[name])
    random = np.random.default_rng(0)
    for one in backbone.variables:
        low, high = (0.5, 1.5) if "variance" in one.path else (-0.4, 0.4)
        one.assign(random.uniform(low, high, one.shape))
    if "dinov2" in name:
        embedding = backbone.embeddings
        embedding.interpolated_position_embeddings.assign(embedding.position_embeddings)
    backbone.save_to_preset(str(folder))
    keras_hub.layers.ImageConverter(scale=SCALE, offset=OFFSET).save_to_preset(str(folder))
    return backbone


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make random networks of transformers tiny; KerasHub is not needed for them."""
    for name, settings in TINY.items():
        monkeypatch.setitem(PRESETS, name, PRESETS[name]._replace(settings=settings))


@installed
def test_names_are_listed_without_loading_anything() -> None:
    code = (
        "import sys, zoo; names = zoo.load_registry().architectures;"
        "assert 'hub:dinov2_small' in names;"
        "assert not {'keras_hub', 'kagglehub', 'keras', 'numpy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 (our own words)


def test_nothing_is_listed_where_kerashub_is_not_installed(monkeypatch) -> None:
    monkeypatch.setattr(hub.importlib.util, "find_spec", lambda name: None)
    assert hub.zoo_architectures() == []


@installed
@pytest.mark.slow
def test_the_table_is_that_of_the_installed_version() -> None:
    import kagglehub.cache
    import keras_hub
    from kagglehub.handle import parse_model_handle

    for name, preset in PRESETS.items():
        kind = getattr(keras_hub.models, preset.family.backbone)
        published = kind.presets[name]
        assert published["kaggle_handle"] == f"kaggle://{preset.handle}"
        assert published["metadata"]["params"] == preset.published
        known = {*inspect.signature(kind).parameters, "depth_coefficient", "width_coefficient"}
        assert preset.settings.keys() <= known
        handle = parse_model_handle(preset.handle)
        folder = kagglehub.cache._get_model_path(handle, None)
        assert preset_files._cache(preset) == Path(folder)


@pytest.mark.parametrize("name", [n for n, p in PRESETS.items() if p.family.tokens])
def test_settings_of_transformers_make_as_many_weights_as_are_published(name: str) -> None:
    preset = PRESETS[name]
    sizes = tokens.Sizes.of(preset.kind, preset.settings)
    width, dinov2 = sizes.width, preset.kind == "dinov2"
    places = ((518 if dinov2 else preset.side) // sizes.patch) ** 2
    placed = 1 if dinov2 else sizes.ahead
    norm, attention = 2 * width, 4 * (width + 1) * width
    dense = (1 + sizes.gated) * (width + 1) * sizes.hidden + (sizes.hidden + 1) * width
    # KerasHub keeps positions of DINOv2 twice, a token for masks, and two factors a block.
    block = 2 * norm + attention + dense + (2 * width if dinov2 else 0)
    embedding = (sizes.patch**2 * 3 + 1 + sizes.ahead + dinov2) * width
    positions = (1 + dinov2) * (places + placed) * width
    assert embedding + positions + sizes.blocks * block + norm == preset.published


@installed
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["densenet_121_imagenet", "efficientnet_lite0_ra_imagenet", "resnet_vd_18_imagenet"]
)
def test_settings_of_other_networks_make_as_many_weights_as_are_published(name: str) -> None:
    import keras_hub

    preset = PRESETS[name]
    made = getattr(keras_hub.models, preset.family.backbone)(**preset.settings)
    counted = made.count_params()
    if preset.kind != "densenet":  # others are counted with a classifier of 1,000 classes
        counted += 1000 * (made.output_shape[-1] + 1)
    if preset.kind == "efficientnet":  # and these without what batch normalisation has measured
        counted -= sum(math.prod(one.shape) for one in made.non_trainable_variables)
    assert counted == preset.published


@installed
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["deit_tiny_distilled_patch16_224_imagenet", "dinov2_small", RESNET]
)
def test_it_costs_what_is_said(name: str) -> None:
    record = next(one for one in hub.zoo_architectures() if one.name == f"hub:{name}")
    built = hub.build(name, record.input_shape, 2, weights="none")
    model = graph.unnested(built, record.input_shape)
    assert model.count_params() == record.parameters
    assert multiply_adds(model) == record.multiply_adds


@installed
@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_a_folder_answers_as_kerashub_does(name: str, tmp_path: Path) -> None:
    backbone = saved(name, tmp_path / "preset")
    shape = (SIDE, SIDE, 3)
    built = hub.build(name, shape, 2, "last", weights=str(tmp_path / "preset"))
    model = graph.unnested(built, shape)
    ours = keras.Model(model.input, model.get_layer("standardised").input)
    scaled = (pictures() * SCALE + OFFSET).astype(np.float32)
    given = {"images": scaled} if isinstance(backbone.input, dict) else scaled
    expected = np.asarray(backbone(given, training=False))
    found = np.asarray(ours(pictures(), training=False))
    if expected.ndim == 3:  # the places come last
        places = found.shape[1] * found.shape[2]
        expected = expected[:, -places:].reshape(found.shape)
    assert expected.std() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@installed
@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_it_is_built_for_other_sizes_and_keeps_what_is_promised(name: str, tmp_path: Path) -> None:
    saved(name, tmp_path / "preset")
    shape = (96, 70, 1)
    built = hub.build(name, shape, 3, weights=str(tmp_path / "preset"))
    model = graph.unnested(built, shape)
    graph.check_flat(model, shape, 3, name)
    assert conformance.own_classes(model) == {}, "a run must need nothing but Keras"
    assert [one.path for one in model.trainable_variables] == ["logits/kernel"]
    verdicts = conformance.tried(model, elsewhere=False)
    assert [one.told for one in verdicts if not one.fits] == []
    patch = 8 if "dinov2" in name else 16
    rows, columns = model.get_layer("standardised").output.shape[1:3]
    # What is left of a side at the end is a place, but for pooling without padding in DenseNet.
    left = 0 if name.startswith("densenet") else 1
    assert (rows, columns) == (96 // patch, 70 // patch + left)


@installed
@pytest.mark.slow
def test_positions_are_interpolated_as_kerashub_does(tmp_path: Path) -> None:
    import keras_hub

    saved(DINOV2, tmp_path / "preset")
    shape = (96, 96, 3)
    theirs = keras_hub.models.DINOV2Backbone.from_preset(
        str(tmp_path / "preset"), image_shape=shape
    )
    model = hub.build(DINOV2, shape, 2, "last", weights=str(tmp_path / "preset"))
    ours = model.get_layer(tokens.POSITIONS).bias[1:]
    expected = theirs.embeddings.interpolated_position_embeddings[0, 1:]
    np.testing.assert_allclose(np.asarray(ours), np.asarray(expected), atol=1e-6)


@installed
@pytest.mark.slow
@pytest.mark.parametrize("name", [VIT, DINOV2, RESNET])
def test_a_folder_is_trained_explained_and_exported(name: str, tmp_path: Path) -> None:
    saved(name, tmp_path / "preset")
    folder = str(tmp_path / "preset")
    found = next(one for one in hub.zoo_architectures() if one.name == f"hub:{name}")
    shape = (SIDE, SIDE, 3)
    built = graph.unnested(hub.build(name, shape, 2, weights=folder), shape)
    record = replace(
        found,
        input_shape=shape,
        options={**found.options, "weights": Option(folder, "the tiny one")},
        parameters=built.count_params(),
        multiply_adds=multiply_adds(built),
    )
    whole = load_registry()
    registry = Registry(
        {**whole.architectures, record.name: record},
        whole.explainers,
        whole.readers,
        whole.origins,
        (),
    )
    verdicts = check_architecture(record.name, registry=registry)
    assert [f"{one.name}: {one.told}" for one in verdicts if not one.fits] == []
    explained = next(one.told for one in verdicts if one.name == "explained")
    assert "gradcam" in explained.split(", ")
    run = train(
        record.name,
        f"phantom?images=40&size={SIDE}",
        changes={"epochs": 1, "frame": "lungs", "cases": 8, "fewest_steps": 1},
        input_shape=shape,
        folder=tmp_path / "runs",
        registry=registry,
    )
    for kind, form in FORMATS.items():
        if kind != "savedmodel" and PRESETS[name].family.tokens:
            continue  # docs/backbones.md says why
        try:
            form.check_packages()
        except InvalidSetting:
            continue
        done = export(run, kind, tmp_path / kind)
        assert done.largest_difference < 1e-4


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(("features", "blocks"), [("middle", 2), ("last", 3)])
def test_the_tokens_of_the_places_are_the_map(features: str, blocks: int) -> None:
    model = hub.build(DINOV2, (SIDE, 40, 1), 2, features, weights="none")
    built = [one for one in model.layers if isinstance(one, keras.layers.MultiHeadAttention)]
    assert len(built) == blocks
    found = only_map(model)
    assert (found.size, found.before) == ((8, 5), 0)
    assert not any(one.trainable_weights for one in model.layers if one.name != "logits")


@pytest.mark.usefixtures("tiny")
def test_a_token_stands_for_its_part_of_the_picture() -> None:
    model = hub.build(DINOV2, (SIDE, SIDE, 3), 2, weights="none")
    maps = keras.Model(model.input, model.get_layer("map").output)
    pixels = np.repeat(pictures(1), 2, axis=0)
    pixels[1, 16:24, 40:48] = 255 - pixels[1, 16:24, 40:48]
    plain, changed = np.asarray(maps(pixels))
    change = np.abs(changed - plain).sum(axis=-1)
    assert np.unravel_index(change.argmax(), change.shape) == (2, 5)


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_attention_rollout_reads_every_block() -> None:
    model = hub.build(DINOV2, (SIDE, SIDE, 3), 2, weights="none")
    random = np.random.default_rng(0)
    logits = model.get_layer("logits")
    logits.set_weights([random.normal(size=one.shape) for one in logits.get_weights()])
    (found,) = attention_rollout.explain(
        classifier_of(model), images_of(pictures(1).astype(np.uint8)), [1]
    )
    assert found.values.shape == (SIDE, SIDE)
    assert found.values.min() >= 0
    assert found.values.max() > 0


@pytest.mark.parametrize("shape", [(16, 16, 3), (SIDE, SIDE, 4)])
def test_an_input_that_cannot_be_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidSetting, match="expected at least 32 x 32 with 1 or 3 channels"):
        hub.build(VIT, shape, 2, weights="none")


@installed
@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"image_shape": [SIDE, SIDE, 3]},
        {**TINY[VIT], "num_heads": 0},
        {**TINY[VIT], "patch_size": [8, 16]},
        {**TINY[VIT], "unheard_of": 1},
        {name: value for name, value in TINY[VIT].items() if name != "image_shape"},
        TINY[VIT],
    ],
)
def test_settings_or_weights_of_no_network_are_refused(
    settings: dict[str, object], tmp_path: Path
) -> None:
    folder = saved_settings(tmp_path / "preset", settings)
    with pytest.raises(BadInput, match=re.escape(str(folder))):
        hub.build(VIT, (SIDE, SIDE, 3), 2, weights=str(folder))


def test_every_preset_is_said_in_full() -> None:
    assert COSTS.keys() == PRESETS.keys()
    for preset in PRESETS.values():
        record = hub._record(preset)
        assert record.parameters > 0
        assert record.multiply_adds > 0
        assert record.options["features"].choices == (head.MIDDLE, head.LAST)
        assert record.recipe.keys() >= {"learning_rate", "backbone"}
