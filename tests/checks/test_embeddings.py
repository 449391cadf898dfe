from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plugins.readers.phantom import zoo_read_dataset
from zoo import Architecture, MissingWeights, Option, hookimpl
from zoo.base import registry
from zoo.checks import embeddings


def frozen(input_shape: tuple[int, int, int], num_classes: int, filters: int = 6) -> Any:
    import keras
    from keras import layers

    pixels = keras.Input(input_shape)
    x = layers.Conv2D(filters, 3, strides=4, activation="relu", trainable=False)(pixels)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, layers.Dense(num_classes)(x))


def thawed(input_shape: tuple[int, int, int], num_classes: int) -> Any:
    model = frozen(input_shape, num_classes)
    for layer in model.layers:
        layer.trainable = True
    return model


def nowhere(input_shape: tuple[int, int, int], num_classes: int) -> Any:
    raise MissingWeights("The weights are not on this machine.")


def declared(
    name: str, build: Any, pretrained: str = "ImageNet", **options: Option
) -> Architecture:
    return Architecture(
        name=name,
        summary="",
        build=build,
        parameters=1,
        input_shape=(32, 32, 3),
        pretrained=pretrained,
        options=options,
    )


def only(*architectures: Architecture) -> registry.Registry:
    class Plugin:
        @hookimpl
        def zoo_architectures(self) -> list[Architecture]:
            return list(architectures)

    loaded = registry.load_registry(Plugin())
    return replace(loaded, architectures={a.name: a for a in architectures})


def test_the_first_pretrained_frozen_backbone_with_weights_is_taken() -> None:
    found = embeddings.backbone(
        only(
            declared("scratch", frozen, pretrained=""),
            declared("missing", nowhere),
            declared("thawed", thawed),
            declared("good", frozen, filters=Option(5, "")),
            declared("later", frozen),
        )
    )
    assert found is not None
    assert found.name == "good"
    assert found.model.output_shape == (None, 5)  # the default of the option


def test_without_a_backbone_there_is_none_and_it_is_said() -> None:
    assert embeddings.backbone(only(declared("scratch", frozen, pretrained=""))) is None
    assert embeddings.backbone(only(declared("missing", nowhere))) is None
    assert "pixels" in embeddings.missing().message


def test_embeddings_are_what_the_backbone_gives() -> None:
    found = embeddings.backbone(only(declared("good", frozen)))
    assert found is not None
    dataset = zoo_read_dataset("phantom", {"images": "10", "size": "64"})
    assert dataset is not None
    digests = [dataset.digest(s) for s in dataset.samples]
    values = embeddings.embed(found, dataset, dataset.samples, digests)
    pixels = np.stack([dataset.read(s, (32, 32)) for s in dataset.samples]).astype(np.float32)
    np.testing.assert_allclose(values, found.model.predict(pixels, verbose=0), rtol=1e-4)


def test_a_feature_map_is_averaged_over_its_places() -> None:
    import keras

    model = frozen((32, 32, 3), 2)
    convolution = keras.Model(model.input, model.layers[1].output)
    dataset = zoo_read_dataset("phantom", {"images": "10", "size": "64"})
    assert dataset is not None
    digests = [dataset.digest(s) for s in dataset.samples]
    map_of = embeddings.Backbone("map", convolution)
    pooled = embeddings.Backbone("pooled", keras.Model(model.input, model.layers[2].output))
    np.testing.assert_allclose(
        embeddings.embed(map_of, dataset, dataset.samples, digests),
        embeddings.embed(pooled, dataset, dataset.samples, digests),
        rtol=1e-4,
    )


@pytest.mark.parametrize(("count", "components"), [(5, 2), (200, 20), (900, 64)])
def test_pixels_are_compressed_to_what_tells_them_apart(count: int, components: int) -> None:
    gray = np.random.default_rng(0).integers(0, 256, (count, 16, 16), np.uint8)
    gray[: count // 2, 4:12, 4:12] = 255
    values = embeddings.compressed(gray)
    assert values.shape == (count, components)
    side = values[:, 0] > 0
    assert len(set(side[: count // 2])) == len(set(side[count // 2 :])) == 1
    assert side[0] != side[-1]


def test_pixels_of_many_images_are_compressed_as_those_of_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = np.random.default_rng(0)
    kinds = random.normal(size=(3, 8, 8)) * 30
    gray = np.clip(
        128 + kinds[random.integers(0, 3, 300)] + random.normal(size=(300, 8, 8)), 0, 255
    )
    whole = embeddings.compressed(gray.astype(np.uint8))
    monkeypatch.setattr(embeddings, "LEARNED", 90)
    some = embeddings.compressed(gray.astype(np.uint8))
    assert some.shape == whole.shape == (300, 30)
    apart, expected = (np.linalg.norm(rows - rows[0], axis=1) for rows in (some, whole))
    np.testing.assert_allclose(apart, expected, atol=3)
    assert expected.max() > 100
