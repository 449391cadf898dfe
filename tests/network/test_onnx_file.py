"""Networks in ONNX files answer as ONNX Runtime does, and their last layer is one of Keras."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_networks import WIDTH, answers, of_keras, torch_layout

from zoo import BadInput, InvalidSetting
from zoo.network import foreign
from zoo.network.classifier import TrainedClassifier
from zoo.network.foreign import Foreign
from zoo.stats.probabilities import softmax

SIDE = 24
SHAPE = (SIDE, SIDE, 3)
PIXELS = np.random.default_rng(0).integers(0, 256, (5, *SHAPE)).astype(np.float32)
FIRST = (PIXELS / 255).transpose(0, 3, 1, 2)
CLASSES = ("A", "B")


def probabilities(given: Foreign) -> np.ndarray:
    return softmax(np.asarray(given.fed("0-1")(PIXELS)))


def meant(answered: np.ndarray, ending: str = "") -> np.ndarray:
    """Return the probabilities of the classes that a file's answers stand for."""
    if answered.shape[1] == 1:
        second = answered if ending == "Sigmoid" else 1 / (1 + np.exp(-answered))
        return np.hstack([1 - second, second])
    return answered if ending == "Softmax" else softmax(answered)


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize(
    ("outputs", "ending", "told"),
    [
        (2, (), "none"),
        (3, ("Softmax",), "softmax"),
        (2, ("LogSoftmax", "Identity"), "softmax"),
        (1, ("Sigmoid",), "sigmoid"),
        (1, (), "none"),
    ],
)
def test_channels_first_it_answers_as_the_file_does(
    outputs: int, ending: tuple[str, ...], told: str, linear: bool, tmp_path: Path
) -> None:
    path = torch_layout(tmp_path / "own.onnx", outputs=outputs, ending=ending, linear=linear)
    given = foreign.opened(path, max(outputs, 2))
    wanted = meant(answers(path, FIRST), ending[0] if ending else "")
    assert np.allclose(probabilities(given), wanted, atol=1e-5)
    assert (given.ending, given.input_shape) == (told, SHAPE)
    assert given.embedding == ("features" if linear else "answers")


def test_the_embedding_is_what_the_last_layer_sees(tmp_path: Path) -> None:
    path = torch_layout(tmp_path / "own.onnx", ending=("Softmax",))
    whole = onnx.load(path)
    classifier = TrainedClassifier(foreign.opened(path, 2).fed("0-1"), CLASSES, 1)
    del whole.graph.output[:]
    whole.graph.output.append(onnx.ValueInfoProto(name="features"))
    onnx.save(whole, tmp_path / "features.onnx")
    wanted = answers(tmp_path / "features.onnx", FIRST)
    assert np.allclose(classifier.embeddings(PIXELS), wanted, atol=1e-5)
    head = classifier.linear_head()
    assert head is not None
    assert head[0].shape == (WIDTH, 2)
    assert np.allclose(wanted @ head[0] + head[1], classifier.logits(PIXELS), atol=1e-4)


@pytest.mark.parametrize("activation", ["softmax", None])
def test_what_tf2onnx_writes_is_read(activation: str | None, tmp_path: Path) -> None:
    import keras
    from keras import layers

    pixels = keras.Input(SHAPE)
    x = layers.Conv2D(WIDTH, 3, activation="relu")(pixels)
    x = layers.Dense(2, activation=activation)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(pixels, x)
    given = foreign.opened(of_keras(model, tmp_path / "own.onnx"), 2)
    wanted = np.asarray(model(PIXELS / 255))
    assert np.allclose(probabilities(given), wanted if activation else softmax(wanted), atol=1e-5)
    assert given.embedding == "features"
    assert given.ending == (activation or "none")


@pytest.mark.parametrize("batch", [1, 4])
def test_a_fixed_batch_is_asked_for_again_and_again(batch: int, tmp_path: Path) -> None:
    path = torch_layout(tmp_path / "own.onnx", batch=batch)
    free = torch_layout(tmp_path / "free.onnx")
    wanted = probabilities(foreign.opened(free, 2))
    assert np.allclose(probabilities(foreign.opened(path, 2)), wanted, atol=1e-6)


def test_a_batch_that_is_only_said_to_be_free_is_looped(tmp_path: Path) -> None:
    """Exported with one picture, the flattening holds its number: several are mixed up."""
    path = torch_layout(tmp_path / "own.onnx")
    model = onnx.load(path)
    flat = next(node for node in model.graph.node if node.op_type == "Flatten")
    fixed = numpy_helper.from_array(np.array([1, WIDTH]), "fixed")
    model.graph.initializer.append(fixed)
    flat.CopyFrom(helper.make_node("Reshape", ["mean", "fixed"], ["features"]))
    onnx.save(model, tmp_path / "fixed.onnx")
    wanted = probabilities(foreign.opened(path, 2))
    assert np.allclose(probabilities(foreign.opened(tmp_path / "fixed.onnx", 2)), wanted, atol=1e-6)


@pytest.mark.parametrize(("whole", "ending"), [(1, "probabilities"), (100, "percentages")])
def test_shares_of_an_odd_ending_are_turned_back(tmp_path: Path, whole: int, ending: str) -> None:
    path = torch_layout(tmp_path / "own.onnx", ending=("Softmax",))
    model = onnx.load(path)
    factor = numpy_helper.from_array(np.full(1, whole, np.float32), "whole")
    model.graph.initializer.append(factor)
    (output,) = model.graph.output
    model.graph.node.append(helper.make_node("Mul", [output.name, "whole"], ["last"]))
    output.name = "last"
    onnx.save(model, path)
    given = foreign.opened(path, 2)
    assert given.ending == ending
    assert np.allclose(probabilities(given), answers(path, FIRST) / whole, atol=1e-5)


def test_an_open_size_is_asked_for(tmp_path: Path) -> None:
    path = torch_layout(tmp_path / "own.onnx", side="side")
    with pytest.raises(InvalidSetting, match="--input 224"):
        foreign.opened(path, 2)
    given = foreign.opened(path, 2, SHAPE)
    assert np.allclose(probabilities(given), meant(answers(path, FIRST)), atol=1e-5)
    with pytest.raises(InvalidSetting, match="differs"):
        foreign.opened(torch_layout(path), 2, (32, 32, 3))


def test_weights_beside_the_file_are_read_with_it(tmp_path: Path) -> None:
    path = torch_layout(tmp_path / "own.onnx")
    wanted = probabilities(foreign.opened(path, 2))
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="own.data", size_threshold=0)
    assert np.array_equal(probabilities(foreign.opened(path, 2)), wanted)
    (tmp_path / "own.data").unlink()
    with pytest.raises(BadInput, match="beside this one"):
        foreign.opened(path, 2)


def test_the_network_travels_and_serves_many_threads(tmp_path: Path) -> None:
    import keras

    model = foreign.opened(torch_layout(tmp_path / "own.onnx"), 2).fed("0-1")
    wanted = np.asarray(model(PIXELS))
    model.save(tmp_path / "own.keras")
    for copy in (
        keras.models.load_model(tmp_path / "own.keras"),
        pickle.loads(pickle.dumps(model)),  # noqa: S301
    ):
        classifier = TrainedClassifier(copy, CLASSES, 1)
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(classifier.logits, [PIXELS] * 6))
        assert all(np.allclose(one, wanted, atol=1e-6) for one in found)


def test_it_has_no_gradients_and_says_so(tmp_path: Path) -> None:
    fed = foreign.opened(torch_layout(tmp_path / "own.onnx"), 2).fed("0-1")
    classifier = TrainedClassifier(fed, CLASSES, 1)
    assert not classifier.differentiable
    assert not classifier.mapped
    with pytest.raises(InvalidSetting, match=r"no gradients.*'occlusion'"):
        classifier.gradients(PIXELS, [0] * len(PIXELS))
    pixels = PIXELS.copy()
    pixels.flags.writeable = False
    classifier.prime(pixels, 0.5)
    assert classifier.logits(pixels) is classifier.logits(pixels)  # one pass, remembered


def wrong(path: Path, **changes: Any) -> Path:
    """Write a graph of one operator that takes and gives what is asked for."""
    asked: dict[str, Any] = {
        "operator": "Relu",
        "domain": "",
        "takes": [("pixels", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        "gives": ["answer"],
        **changes,
    }
    node = helper.make_node(asked["operator"], ["pixels"], ["answer"], domain=asked["domain"])
    others = [helper.make_node("Identity", ["answer"], [one]) for one in asked["gives"][1:]]
    graph = helper.make_graph(
        [node, *others],
        "wrong",
        [helper.make_tensor_value_info(*one) for one in asked["takes"]],
        [helper.make_tensor_value_info(one, TensorProto.FLOAT, None) for one in asked["gives"]],
    )
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    onnx.save(helper.make_model(graph, opset_imports=versions, ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, r"gives \(3, 24, 24\) for a picture"),
        ({"operator": "Own", "domain": "own"}, "operators of ONNX itself"),
        ({"operator": "Unheard"}, "lower opset"),
        ({"gives": ["answer", "other"]}, "outputs answer, other; expected one"),
        (
            {"takes": [(n, TensorProto.FLOAT, ["n", 3, SIDE, SIDE]) for n in ("pixels", "age")]},
            "2 inputs",
        ),
        ({"takes": [("pixels", TensorProto.FLOAT, ["n", 4, SIDE, SIDE])]}, r"\(any, 4, 24, 24\)"),
        ({"takes": [("pixels", TensorProto.FLOAT, ["n", 100])]}, r"input of shape \(any, 100\)"),
        ({"takes": [("pixels", TensorProto.UINT8, ["n", 3, SIDE, SIDE])]}, "takes uint8"),
    ],
)
def test_what_could_not_be_used_is_refused(
    changes: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidSetting, match=told):
        foreign.opened(wrong(tmp_path / "own.onnx", **changes), 2)


def test_other_classes_and_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"shape \(3,\); --classes names 2"):
        foreign.opened(torch_layout(tmp_path / "own.onnx", outputs=3), 2)
    for content in (b"", b"PK\x03\x04", b"\x08\x07" * 50):
        (tmp_path / "own.onnx").write_bytes(content)
        with pytest.raises(BadInput, match="cannot be read as an ONNX file"):
            foreign.opened(tmp_path / "own.onnx", 2)


def test_of_several_outputs_the_logits_count(tmp_path: Path) -> None:
    """As those that `zoo export` writes."""
    path = torch_layout(tmp_path / "own.onnx", ending=("Identity",))
    model = onnx.load(path)
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = ["logits" if name == "answer" else name for name in names]
    model.graph.output.append(onnx.ValueInfoProto(name="logits"))
    onnx.save(model, path)
    assert foreign.opened(path, 2).embedding == "features"
