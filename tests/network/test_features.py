from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo import BadInput, Dataset, Sample
from zoo.base import shards
from zoo.base.progress import Silent
from zoo.data import augmentation
from zoo.data.frames import Frames
from zoo.data.resampling import cut
from zoo.network import feature_pass
from zoo.network import features as module

SIDE = 16


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    monkeypatch.setattr(feature_pass, "BATCH", 4)
    monkeypatch.setattr(feature_pass, "SHARD_ROWS", 8)
    return tmp_path


@pytest.fixture(scope="module")
def backbone() -> Any:
    return build()


def build(seed: int = 0, stride: int = 2) -> Any:
    import keras
    from keras import layers

    pixels = keras.Input((SIDE, SIDE, 3))
    start = keras.initializers.GlorotUniform(seed=seed)
    x = layers.Conv2D(4, 3, strides=stride, kernel_initializer=start)(pixels)
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(x))


class Pictures(Silent):
    """Twenty images of noise that count how often they are read, and keep what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.read_names: list[str] = []
        self.contents = {f"i{n}": n for n in range(20)}
        self.breaks_at = ""
        self.reading = (SIDE, SIDE)
        self.samples = tuple(Sample(name, 0, name) for name in self.contents)

    def note(self, message: str) -> None:
        self.told.append(message)

    warn = note

    def read(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        if sample.name == self.breaks_at:
            raise BadInput("gone")
        assert size == self.reading
        self.read_names.append(sample.name)
        return self.pixels(sample.name)

    def pixels(self, name: str) -> np.ndarray:
        random = np.random.default_rng(self.contents[name])
        return random.integers(0, 256, (*self.reading, 3), np.uint8)

    def features(self, backbone: Any, **options: Any) -> np.ndarray:
        self.read_names.clear()
        self.told.clear()
        dataset = Dataset(
            source="here",
            class_names=("a", "b"),
            samples=self.samples,
            read=self.read,
            digest=lambda s: s.name,
        )
        return module.features(
            backbone, dataset, self.samples, self.digests(), progress=self, **options
        )

    def digests(self) -> Sequence[str]:
        return [f"{content:016x}" for content in self.contents.values()]

    def expected(self, backbone: Any) -> np.ndarray:
        stacked = np.stack([self.pixels(s.name) for s in self.samples]).astype(np.float32)
        return np.asarray(backbone(stacked, training=False))


def test_the_first_view_is_what_the_backbone_says(backbone: Any) -> None:
    pictures = Pictures()
    values = pictures.features(backbone)
    assert values.shape == (20, 1, 4)
    assert values.dtype == np.float32
    assert np.allclose(values[:, 0], pictures.expected(backbone), atol=1e-3)


def test_a_second_pass_reads_and_computes_nothing(
    backbone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = Pictures()
    first = pictures.features(backbone, views=2, preset="chest")
    assert len(pictures.read_names) == 20  # once for both views
    monkeypatch.setattr(module, "compute", None)
    assert np.array_equal(pictures.features(backbone, views=2, preset="chest"), first)
    assert pictures.read_names == []


def test_views_differ_and_another_seed_is_another_view(backbone: Any) -> None:
    pictures = Pictures()
    first = pictures.features(backbone, views=3, preset="chest", seed=0)
    assert first.shape == (20, 3, 4)
    assert not np.allclose(first[:, 0], first[:, 1], atol=0.1)
    assert not np.allclose(first[:, 1], first[:, 2], atol=0.1)
    other = pictures.features(backbone, views=3, preset="chest", seed=1)
    assert np.allclose(other[:, 0], first[:, 0])
    assert not np.allclose(other[:, 1], first[:, 1], atol=0.1)


READING = (24, 20)


class FramedPictures(Pictures):
    """Larger pictures, of each of which another part is seen."""

    def __init__(self, key: str = "one", left: float = 0.1) -> None:
        super().__init__()
        self.reading = READING
        random = np.random.default_rng(0)
        boxes = np.float32([0.1, left, 0.7, 0.8]) + random.uniform(0, 0.1, (20, 4))
        self.frames = Frames(
            READING, dict(zip(self.digests(), boxes.astype(np.float32), strict=True)), {}, key
        )

    def stacked(self) -> np.ndarray:
        return np.stack([self.pixels(s.name) for s in self.samples])

    def expected(self, backbone: Any) -> np.ndarray:
        seen = cut(self.stacked(), self.frames.of(self.digests()), (SIDE, SIDE))
        return np.asarray(backbone(seen, training=False))


def test_a_backbone_is_given_what_is_in_the_frames(backbone: Any) -> None:
    pictures = FramedPictures()
    values = pictures.features(backbone, frames=pictures.frames, views=2, preset="robust", seed=3)
    np.testing.assert_allclose(values[:, 0], pictures.expected(backbone), atol=1e-3)
    views = augmentation.draw("robust", 3, 1, pictures.digests(), (SIDE, SIDE))
    parts = pictures.frames.of(pictures.digests())
    seen = augmentation.apply(pictures.stacked(), views, parts, size=(SIDE, SIDE), preset="robust")
    difference = np.abs(values[:, 1] - np.asarray(backbone(seen, training=False)))
    assert np.median(difference) < 0.1  # a gray level rounded otherwise is another file
    assert np.abs(values[:, 1] - values[:, 0]).mean() > 5


def test_features_of_the_same_frames_are_kept_and_of_others_computed(backbone: Any) -> None:
    pictures, other = FramedPictures(), FramedPictures("other", left=0.3)
    first = pictures.features(backbone, frames=pictures.frames)
    assert len(pictures.read_names) == 20
    assert np.array_equal(pictures.features(backbone, frames=pictures.frames), first)
    assert pictures.read_names == []
    changed = other.features(backbone, frames=other.frames)
    assert len(other.read_names) == 20
    np.testing.assert_allclose(changed[:, 0], other.expected(backbone), atol=1e-3)
    assert not np.allclose(changed, first, atol=1)
    whole = Pictures()
    whole.features(backbone)
    assert len(whole.read_names) == 20  # those of whole pictures are others, too


def test_changed_content_is_computed_anew_and_nothing_else(backbone: Any) -> None:
    pictures = Pictures()
    pictures.features(backbone)
    pictures.contents["i5"] = 99
    values = pictures.features(backbone)
    assert pictures.read_names == ["i5"]
    assert np.allclose(values[:, 0], pictures.expected(backbone), atol=1e-3)


def test_an_interrupted_pass_goes_on_where_it_was(backbone: Any) -> None:
    pictures = Pictures()
    pictures.breaks_at = "i17"
    with pytest.raises(BadInput, match="gone"):
        pictures.features(backbone)
    pictures.breaks_at = ""
    values = pictures.features(backbone)
    assert sorted(pictures.read_names) == ["i16", "i17", "i18", "i19"]
    assert np.allclose(values[:, 0], pictures.expected(backbone), atol=1e-3)


def test_what_is_stopped_while_a_batch_is_computed_keeps_each_row_with_its_key(
    backbone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, asked = feature_pass.Asked.plain.func, []

    class Stopped:
        def numpy(self) -> None:
            raise KeyboardInterrupt

    def plain(of: feature_pass.Asked) -> Callable[..., Any]:
        asked.append(1)
        return graph(of) if len(asked) < 3 else lambda *_: Stopped()

    pictures = Pictures()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(feature_pass.Asked, "plain", property(plain))
        pictures.features(backbone)
    values = pictures.features(backbone)
    assert len(pictures.read_names) == 20 - 2 * 4
    assert np.allclose(values[:, 0], pictures.expected(backbone), atol=1e-3)


@pytest.mark.parametrize("kind", [shards.ROWS, shards.INDEX])
@pytest.mark.parametrize("content", [b"", b"not an array", None])
def test_a_damaged_shard_is_computed_again(
    backbone: Any, cache: Path, kind: str, content: bytes | None
) -> None:
    pictures = Pictures()
    pictures.features(backbone)
    shard = sorted(cache.rglob(f"*{kind}"))[0]
    shard.write_bytes(shard.read_bytes()[:-8] if content is None else content)
    values = pictures.features(backbone)
    assert len(pictures.read_names) in (4, 8)  # that shard's images
    assert np.allclose(values[:, 0], pictures.expected(backbone), atol=1e-3)
    assert "1 of the files that were kept" in pictures.told[0]
    pictures.features(backbone)
    assert pictures.read_names == pictures.told == []


def test_a_flipped_bit_is_not_trained_on(backbone: Any, cache: Path) -> None:
    pictures = Pictures()
    first = pictures.features(backbone)
    shard = sorted(cache.rglob(f"*{shards.ROWS}"))[0]
    content = bytearray(shard.read_bytes())
    content[-2] ^= 64  # in the exponent of a number
    shard.write_bytes(content)
    assert np.allclose(pictures.features(backbone), first, atol=1e-3)
    assert len(pictures.read_names) in (4, 8)
    assert len(pictures.told) == 1


def test_a_missing_half_of_a_shard_is_computed_again(backbone: Any, cache: Path) -> None:
    pictures = Pictures()
    pictures.features(backbone)
    sorted(cache.rglob(f"*{shards.ROWS}"))[0].unlink()
    values = pictures.features(backbone)
    assert pictures.read_names
    assert np.allclose(values[:, 0], pictures.expected(backbone), atol=1e-3)


def test_a_cache_that_cannot_be_written_costs_only_time(
    backbone: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / "file").write_text("")
    monkeypatch.setenv("ZOO_CACHE", str(cache / "file"))
    pictures = Pictures()
    values = pictures.features(backbone, views=2, preset="chest")
    assert np.allclose(values[:, 0], pictures.expected(backbone), atol=1e-3)
    assert len(pictures.told) == 1  # not once a shard
    assert "cannot be kept" in pictures.told[0]
    pictures.features(backbone)
    assert pictures.told == []  # nor once a part of the data


def test_a_backbone_is_known_by_weights_and_layers_not_by_names(backbone: Any) -> None:
    key = module.backbone_key(backbone)
    assert module.backbone_key(build()) == key
    assert module.backbone_key(build(seed=1)) != key
    assert module.backbone_key(build(stride=3)) != key
    changed = build()
    changed.trainable = False
    assert module.backbone_key(changed) == key
    weights = changed.get_weights()
    weights[1][0] += 1e-3
    changed.set_weights(weights)
    assert module.backbone_key(changed) != key


def test_other_weights_never_meet_these_features(backbone: Any) -> None:
    pictures = Pictures()
    first = pictures.features(backbone)
    other = pictures.features(build(seed=1))
    assert len(pictures.read_names) == 20
    assert not np.allclose(first, other, atol=1)


def test_the_cache_is_where_it_was_asked_to_be(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.cache_folder() == cache
    monkeypatch.delenv("ZOO_CACHE")
    assert module.cache_folder().name == "xray-zoo"


def test_the_same_layers_after_another_scaling_are_another_backbone() -> None:
    def backbone(scaled: Callable[[Any], Any]) -> Any:
        import keras

        keras.utils.set_random_seed(0)
        pixels = keras.Input((8, 8, 3))
        return keras.Model(pixels, keras.layers.Conv2D(3, 3)(scaled(pixels)))

    scalings: list[Callable[[Any], Any]] = [
        lambda pixels: pixels / 255,
        lambda pixels: pixels / 127.5,
        lambda pixels: pixels / 127.5 - 1,
        lambda pixels: (pixels - 1) / 127.5,
        lambda pixels: pixels - np.array([1.0, 2.0, 3.0], np.float32),
        lambda pixels: pixels - np.array([1.0, 2.0, 4.0], np.float32),
    ]
    keys = [module.backbone_key(backbone(scaled)) for scaled in scalings]
    assert len(set(keys)) == len(scalings)
    assert [module.backbone_key(backbone(scaled)) for scaled in scalings] == keys


PREPARING = """
import keras
from keras import layers

@keras.saving.register_keras_serializable("mine")
class Preparing(layers.Layer):
    def call(self, pixels):
        return {}
"""


def test_a_mended_layer_of_a_plugin_is_another_backbone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backbone(name: str, computed: str) -> Any:
        import keras

        keras.utils.set_random_seed(0)
        (tmp_path / f"{name}.py").write_text(PREPARING.format(computed))
        pixels = keras.Input((8, 8, 3))
        prepared = importlib.import_module(name).Preparing()(pixels)
        return keras.Model(pixels, keras.layers.Conv2D(3, 3)(prepared))

    monkeypatch.syspath_prepend(str(tmp_path))
    first, same, mended = (
        module.backbone_key(backbone(name, computed))
        for name, computed in (
            ("preparing_a", "pixels / 255 / 255"),
            ("preparing_b", "pixels / 255 / 255"),
            ("preparing_c", "pixels / 255"),
        )
    )
    assert first == same != mended


def test_a_layer_without_a_file_is_known_by_its_code() -> None:
    import keras

    def program(computed: Callable[[Any, Any], Any]) -> bytes:
        content = {"call": computed, "__module__": "nowhere"}
        return module._program(type("Prompt", (keras.layers.Layer,), content))

    def scaled(_: Any, pixels: Any) -> Any:
        return pixels / 255

    assert program(scaled) == program(scaled) != program(lambda _, pixels: pixels / 127.5)


def test_the_same_layers_wired_otherwise_are_another_backbone() -> None:
    def backbone(swapped: bool) -> Any:
        import keras

        keras.utils.set_random_seed(0)
        pixels = keras.Input((8, 8, 3))
        first, second = keras.layers.Conv2D(3, 3), keras.layers.Conv2D(3, 3)
        left, right = first(pixels), second(pixels)
        pair = [right, left] if swapped else [left, right]
        return keras.Model(pixels, keras.layers.Subtract()(pair))

    keys = {module.backbone_key(backbone(False)), module.backbone_key(backbone(False))}
    assert len(keys) == 1
    assert module.backbone_key(backbone(True)) not in keys


def test_a_network_that_goes_on_from_it_does_not_make_it_another_backbone() -> None:
    import keras

    backbone = build()
    key = module.backbone_key(backbone)
    middle = backbone.layers[1].output
    keras.Model(middle, keras.layers.Dense(2)(backbone.output))  # the last layer is in both
    assert module.backbone_key(backbone) == key
