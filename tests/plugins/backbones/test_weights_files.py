from __future__ import annotations

import sys

import pytest

from plugins.backbones import torch_densenet, weights_files
from zoo import BadInput, ZooError


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(BadInput, match=r"no weights file .*Check weights=PATH"):
        weights_files.opened(tmp_path / "gone.weights.h5")


def test_without_its_package_safetensors_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    path = tmp_path / "x.safetensors"
    path.touch()
    with pytest.raises(ZooError, match=r"pip install 'xray-zoo\[safetensors\]'"):
        weights_files.opened(path)


@pytest.mark.parametrize(
    ("keras_name", "torch_name"),
    [
        ("conv1_conv", "conv0"),
        ("conv1_bn", "norm0"),
        ("conv2_block1_0_bn", "denseblock1.denselayer1.norm1"),
        ("conv5_block16_2_conv", "denseblock4.denselayer16.conv2"),
        ("pool4_conv", "transition3.conv"),
        ("bn", "norm5"),
    ],
)
def test_layers_of_a_densenet_have_one_counterpart(keras_name, torch_name):
    assert torch_densenet._name(keras_name) == torch_name


def test_names_before_pytorch_0_4_are_known():
    old = "features.denseblock1.denselayer1.norm.1.weight"
    assert torch_densenet.OLD.sub(r"\1\2.", old).endswith("denselayer1.norm1.weight")
