"""A network in an ONNX file becomes a run that answers; what needs gradients says so."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from onnx_networks import WIDTH, answers, torch_layout
from PIL import Image

from zoo import BadInput, DamagedRun, InvalidSetting
from zoo.base.registry import load_registry
from zoo.cli import main
from zoo.interpret.case import Case
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.trust.verdict import UNSHUFFLED
from zoo.network import foreign
from zoo.network.export_formats import FORMATS
from zoo.network.onnx_graph import OnnxGraph
from zoo.runs import engine_choice, model_file, run_folder
from zoo.runs.run_folder import Run
from zoo.stats.probabilities import softmax
from zoo.workflows.ensemble import ensemble
from zoo.workflows.evaluate import evaluate
from zoo.workflows.explain import explain
from zoo.workflows.export import export
from zoo.workflows.import_network import import_network
from zoo.workflows.overview import overview
from zoo.workflows.predict import Prediction, predict
from zoo.workflows.stress import stress

SIDE = 64
DATA = f"phantom?images=60&size={SIDE}&difficulty=0.1&seed=3"
CLASSES = ("NORMAL", "PNEUMONIA")


@pytest.fixture(scope="module")
def pixels() -> tuple[np.ndarray, np.ndarray]:
    dataset = load_registry().dataset(DATA)
    read = [dataset.read(sample, (SIDE, SIDE)) for sample in dataset.samples]
    return np.stack(read), np.array([sample.label for sample in dataset.samples])


@pytest.fixture(scope="module")
def weights(pixels: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
    """Random filters and a fitted last layer on 0 to 1: of Keras's shapes, `(features, 2)` last."""
    from sklearn.linear_model import LogisticRegression

    filters = np.random.default_rng(0).normal(size=(3, 3, 3, WIDTH))
    fed = pixels[0] / np.float32(255)
    parts = np.lib.stride_tricks.sliding_window_view(fed, (3, 3), (1, 2))[:, ::2, ::2]
    maps = np.einsum("nrchyx,yxhk->nrck", parts, filters, optimize=True)
    features = np.maximum(maps, 0).mean(axis=(1, 2))
    mean, spread = features.mean(axis=0), features.std(axis=0)
    fitted = LogisticRegression(C=100).fit((features - mean) / spread, pixels[1])
    kernel = fitted.coef_[0] / spread
    bias = fitted.intercept_ - kernel @ mean
    return [filters, np.stack([-kernel, kernel], axis=1) / 2, np.concatenate([-bias, bias]) / 2]


@pytest.fixture(scope="module")
def model(weights: list[np.ndarray]) -> Any:
    """The network of Keras, with a softmax."""
    import keras
    from keras import layers

    given = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(WIDTH, 3, strides=2, activation="relu", use_bias=False)(given)
    x = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(given, x)
    model.set_weights(weights)
    return model


@pytest.fixture(scope="module")
def file(weights: list[np.ndarray], tmp_path_factory: Any) -> Path:
    """The same network as PyTorch would export it: channels first, without its softmax."""
    filters, kernel, bias = weights
    path = tmp_path_factory.mktemp("elsewhere") / "own.onnx"
    turned = [filters.transpose(3, 2, 0, 1), kernel.T, bias]
    return torch_layout(path, side=SIDE, batch=1, weights=turned)


@pytest.fixture(scope="module")
def run(file: Path, tmp_path_factory: Any) -> Run:
    return import_network(file, DATA, classes=CLASSES, folder=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def picture(pixels: Any, tmp_path_factory: Any) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "one.png"
    Image.fromarray(pixels[0][0]).save(path)
    return path


def test_the_record_says_what_it_is(run: Run) -> None:
    options = run.record["options"]
    assert options["input_range"] == "0-1"
    assert (options["ending"], options["embedding"]) == ("none", "features")
    assert run.record["parameters"]["total"] == 3 * 3 * 3 * WIDTH + WIDTH * 2 + 2


def test_it_answers_as_the_file_does(run: Run, file: Path, pixels: Any) -> None:
    wanted = softmax(answers(file, (pixels[0][:7] / 255).transpose(0, 3, 1, 2)))
    classifier = model_file.load_classifier(run_folder.open_run(run.path))
    assert np.allclose(softmax(classifier.logits(pixels[0][:7])), wanted, atol=1e-5)


@pytest.mark.slow
def test_it_predicts_is_measured_and_stressed(run: Run, picture: Path) -> None:
    (answer,) = predict([picture], run)
    assert isinstance(answer, Prediction)
    assert set(answer.probabilities) == set(CLASSES)
    assert evaluate(run).result["metrics"]["roc_auc"]["value"] > 0.6
    assert stress(run, images=8)


def test_black_box_methods_explain_it_and_verdicts_say_what_is_left_out(
    run: Run, picture: Path
) -> None:
    (case,) = explain([picture], run, methods=["occlusion", "examples"])
    assert isinstance(case, Case)
    assert {one.method for one in case.explanations} == {"occlusion", "examples"}
    rows = {row.name: row.value for row in case.trust["occlusion"].rows}
    assert rows["likeness to maps of random networks"] == UNSHUFFLED
    assert not (run.path / "trust").exists()


def test_methods_that_need_gradients_are_left_out(run: Run, picture: Path) -> None:
    left = {one.name for one in Interpreter(run, every=True, trust=False).explainers}
    assert left == {"examples", "lime", "occlusion", "rise", "shap"}
    assert [one.name for one in Interpreter(run).explainers] == ["examples"]
    for method in ("saliency", "xrai", "gradcam", "scorecam", "attention-rollout"):
        with pytest.raises(InvalidSetting, match=r"ONNX file.*Use"):
            list(explain([picture], run, methods=[method], trust=False))


def test_a_graph_that_was_damaged_is_told_when_the_run_is_loaded(run: Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    copy = run_folder.open_run(tmp_path / "run")
    model = model_file.load_classifier(copy).model
    (graph,) = [layer for layer in model.layers if isinstance(layer, OnnxGraph)]
    graph.set_weights([np.zeros(graph.bytes, np.uint8)])
    model.save(tmp_path / "run" / "model.keras")
    with pytest.raises(DamagedRun, match="ONNX graph"):
        model_file.load_classifier(copy)


def test_data_are_looked_over(run: Run) -> None:
    seen = overview(run, methods=["examples"], sample=8)
    assert seen.images == 8
    assert seen.factors.images == 0


def test_it_is_not_converted_again(run: Run, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="came as an ONNX file"):
        export(run, "onnx", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(BadInput, match="answers with already"):
        engine_choice.classifier_of(run, "onnx")


@pytest.mark.slow
def test_it_is_joined_with_a_network_of_keras(
    run: Run, model: Any, pixels: Any, tmp_path: Path
) -> None:
    model.save(tmp_path / "own.keras")
    other = import_network(
        tmp_path / "own.keras", DATA, classes=CLASSES, input_range="0-1", folder=tmp_path
    )
    both = ensemble([run, other], folder=tmp_path)
    one, two, mean = (model_file.load_classifier(each) for each in (run, other, both))
    shown = pixels[0][:4]
    wanted = (one.logits(shown) / one.temperature + two.logits(shown) / two.temperature) / 2
    assert np.allclose(mean.logits(shown), wanted, atol=1e-4)
    assert not mean.differentiable


def test_a_saved_model_is_loaded_where_it_is_trusted(
    model: Any, pixels: Any, tmp_path: Path
) -> None:
    place = tmp_path / "own"
    FORMATS["savedmodel"].write(model, place)
    with pytest.raises(BadInput, match="--trust"):
        foreign.opened(place, 2)
    given = foreign.opened(place, 2, trust=True)
    assert (given.ending, given.embedding) == ("softmax", "features")
    fed = pixels[0][:5].astype(np.float32)
    wanted = np.asarray(model(fed / 255))
    assert np.allclose(softmax(np.asarray(given.fed("0-1")(fed))), wanted, atol=1e-5)
    with pytest.raises(BadInput, match=r"holds no SavedModel"):
        foreign.opened(tmp_path, 2, trust=True)
    (place / "saved_model.pb").write_bytes(b"x")
    with pytest.raises(BadInput, match="cannot be loaded as a SavedModel"):
        foreign.opened(place, 2, trust=True)


@pytest.mark.slow
def test_the_command_makes_a_run_of_a_trusted_folder(model: Any, tmp_path: Path) -> None:
    FORMATS["savedmodel"].write(model, tmp_path / "own")
    words = ["import", tmp_path / "own", "--classes", ",".join(CLASSES), "--data", DATA]
    words += ["--runs", tmp_path / "runs", "--input-range", "0-1"]
    refused = CliRunner().invoke(main, [str(word) for word in words])
    assert refused.exit_code == 2
    assert "--trust" in refused.stderr
    result = CliRunner().invoke(main, [str(word) for word in [*words, "--trust"]])
    assert result.exit_code == 0, result.output
    (run,) = run_folder.listing(tmp_path / "runs")
    assert run.record["options"]["file"] == "own"
