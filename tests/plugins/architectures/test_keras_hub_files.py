"""The folder of a preset of KerasHub: what is taken of it, refused of it, and downloaded to it."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.architectures import keras_hub as hub
from plugins.architectures.keras_hub import preset_files
from plugins.architectures.keras_hub.presets import PRESETS
from zoo import BadInput, MissingWeights

VIT, DINOV2 = "vit_base_patch16_224_imagenet", "dinov2_small"
SIDE = 64
SCALE, OFFSET = [0.01, 0.02, 0.03], [-0.1, 0.2, -0.3]


def said(folder: Path, kind: str = "ViTBackbone", **settings: object) -> Path:
    """Write the settings of a preset's folder, whose weights are never read."""
    folder.mkdir(exist_ok=True)
    config = {"class_name": kind, "config": {"name": "x", "dtype": {"class_name": "y"}, **settings}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.weights.h5").write_bytes(b"none")
    (folder / "image_converter.json").write_text(
        json.dumps({"class_name": "ImageConverter", "config": {"scale": SCALE, "offset": OFFSET}})
    )
    return folder


def test_the_scaling_of_a_folder_is_taken(tmp_path: Path) -> None:
    folder = said(tmp_path / "preset", image_shape=[SIDE, SIDE, 3])
    found = preset_files.read(folder, PRESETS[VIT])
    assert (list(found.factors), list(found.offsets)) == (SCALE, OFFSET)
    assert found.image_shape == (SIDE, SIDE, 3)
    converter = {"config": {"scale": 0.5, "offset": None}}
    (folder / "image_converter.json").unlink()
    (folder / "preprocessor.json").write_text(
        json.dumps({"config": {"image_converter": converter}})
    )
    found = preset_files.read(folder, PRESETS[VIT])
    assert (found.factors, found.offsets) == ((0.5,) * 3, (0.0,) * 3)


def test_the_scaling_of_older_folders_is_by_mean_and_variance(tmp_path: Path) -> None:
    folder = said(tmp_path / "preset")
    mean, variance = [0.4, 0.5, 0.6], [0.04, 0.09, 0.16]
    (folder / "image_converter.json").write_text(
        json.dumps({"config": {"scale": 1 / 255, "mean": mean, "variance": variance}})
    )
    found = preset_files.read(folder, PRESETS[VIT])
    expected = (200 / 255 - np.array(mean)) / np.sqrt(variance)
    np.testing.assert_allclose(200 * np.array(found.factors) + found.offsets, expected)


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("model.weights.h5", None, "is not the folder of a preset"),
        ("config.json", None, "cannot be read as settings"),
        ("config.json", "{", "cannot be read as settings"),
        ("config.json", "[]", "cannot be read as settings"),
        ("config.json", "[" * 100_000, "cannot be read as settings"),
        ("config.json", '"' + "x" * 2**20 + '"', "too large"),
        ("config.json", '{"class_name": "BertBackbone"}', "is a preset of BertBackbone"),
        ("config.json", '{"class_name": "ViTBackbone"}', "neither numbers nor words"),
        (
            "config.json",
            '{"class_name": "ViTBackbone", "config": {"x": {"class_name": "Lambda"}}}',
            "neither numbers nor words",
        ),
        (
            "config.json",
            '{"class_name": "ViTBackbone", "config": {"num_layers": 1e9}}',
            "neither numbers nor words",
        ),
        (
            "config.json",
            '{"class_name": "ViTBackbone", "config": {"image_shape": [224, -1, 3]}}',
            "expected height, width and 3",
        ),
        ("image_converter.json", None, "does not say how pixels are scaled"),
        ("image_converter.json", '{"config": {"scale": [1, 2]}}', "one number or three"),
        ("image_converter.json", '{"config": {"offset": "x"}}', "one number or three"),
    ],
)
def test_a_folder_that_is_none_is_refused_in_one_sentence(
    file: str, content: str | None, told: str, tmp_path: Path
) -> None:
    folder = said(tmp_path / "preset")
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    with pytest.raises(BadInput, match=told) as error:
        hub.build(VIT, (SIDE, SIDE, 3), 2, weights=str(folder))
    assert str(folder) in str(error.value)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["scale", "offset", "mean", "variance", "config"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=25)
@given(content=PLAIN)
def test_whatever_a_converter_says_it_is_three_numbers_or_refused(
    content: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = said(tmp_path_factory.getbasetemp() / "any_converter")
    (folder / "image_converter.json").write_text(json.dumps({"config": content}))
    try:
        found = preset_files.read(folder, PRESETS[VIT])
    except BadInput:
        return
    numbers = (*found.factors, *found.offsets)
    assert len(numbers) == 6
    assert np.isfinite(numbers).all()


class Client(types.ModuleType):
    """Stands for the client of Kaggle; it gives what is in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__("kagglehub")
        self.folder, self.asked = folder, []

    def model_download(self, handle: str, path: str) -> str:
        self.asked.append((handle, path))
        if not (self.folder / path).is_file():
            raise OSError("no connection\nmore words")
        return str(self.folder / path)


def test_what_is_downloaded_is_what_is_needed(tmp_path: Path, monkeypatch) -> None:
    client = Client(said(tmp_path / "preset"))
    monkeypatch.setitem(sys.modules, "kagglehub", client)
    assert preset_files.downloaded(PRESETS[DINOV2]) == tmp_path / "preset"
    wanted = ["config.json", "model.weights.h5", "image_converter.json"]
    assert client.asked == [("keras/dinov2/keras/dinov2_small/1", one) for one in wanted]
    (tmp_path / "preset" / "image_converter.json").rename(tmp_path / "preset/preprocessor.json")
    assert preset_files.downloaded(PRESETS[DINOV2]) == tmp_path / "preset"
    assert client.asked[-1][1] == "preprocessor.json"


def test_without_internet_it_says_what_to_put_where(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", Client(tmp_path))
    with pytest.raises(MissingWeights) as error:
        hub.build(DINOV2, (SIDE, SIDE, 3), 2)
    for words in (
        "(no connection)",
        "kaggle.com/models/keras/dinov2/keras/dinov2_small/1",
        "config.json, model.weights.h5 and image_converter.json",
        "--set weights=FOLDER",
        "--set weights=none",
    ):
        assert words in str(error.value)


def test_it_is_offline_once_both_files_are_whole(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))
    preset = PRESETS[DINOV2]
    marks = tmp_path / "models/keras/dinov2/keras/dinov2_small/.complete/1"
    marks.mkdir(parents=True)
    (marks / "config.json.complete").touch()
    assert not preset_files.cached(preset)
    (marks / "model.weights.h5.complete").touch()
    assert preset_files.cached(preset)
