from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from zoo import DISCLAIMER, BadInput, InvalidSetting, UnknownName
from zoo.cli import main
from zoo.network import export_comparison, export_formats
from zoo.network.classifier import TrainedClassifier
from zoo.network.copying import export_copy
from zoo.network.export_formats import FORMATS, LOGITS, PROBABILITIES
from zoo.runs import model_file, run_folder
from zoo.runs.run_folder import Run
from zoo.stats.probabilities import softmax
from zoo.workflows.export import CARD, Exported, export, with_probabilities


def needs(kind: str) -> None:
    """Skip when a package of the format is missing."""
    try:
        FORMATS[kind].check_packages()
    except InvalidSetting as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=FORMATS)
def exported(
    request: pytest.FixtureRequest, trained: Run, tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    needs(request.param)
    return export(trained, request.param, tmp_path_factory.mktemp("exports") / request.param)


def pixels(count: int) -> np.ndarray:
    random = np.random.default_rng(count)
    return random.integers(0, 256, (count, 64, 64, 3)).astype(np.float32)


def test_any_number_of_raw_images_gives_logits_and_calibrated_probabilities(
    exported: Exported, trained: Run
) -> None:
    form = FORMATS[exported.kind]
    answers, original = form.open(exported.path / form.file), model_file.load_classifier(trained)
    for count in (1, 5, 2):
        given = answers(pixels(count))
        assert set(given) == {LOGITS, PROBABILITIES}
        np.testing.assert_allclose(given[LOGITS], original.logits(pixels(count)), atol=1e-4)
        np.testing.assert_allclose(
            given[PROBABILITIES], softmax(given[LOGITS] / trained.temperature), atol=1e-5
        )


def test_the_card_says_what_the_file_alone_does_not(exported: Exported, trained: Run) -> None:
    card = json.loads((exported.path / CARD).read_text())
    assert card["class_names"] == list(trained.class_names)
    assert card["input"]["shape"] == [None, 64, 64, 3]
    assert card["input"]["range"] == [0, 255]
    assert card["temperature"] == trained.temperature
    assert card["threshold"] == trained.threshold
    assert card["run"] == trained.name
    assert card["disclaimer"] == DISCLAIMER
    assert "refusals" in card["refusals"]
    assert card["synthetic"] is True
    assert card["comparison"]["images"] == exported.images == 8
    assert card["comparison"]["largest_probability_difference"] == exported.largest_difference
    assert FORMATS[exported.kind].packages.keys() <= card["versions"].keys()


def test_the_comparison_is_on_real_images_and_close(exported: Exported) -> None:
    assert "training cases" in exported.compared_on
    assert exported.largest_difference < 1e-5
    assert 4 * 1426 < exported.bytes < 100_000
    assert exported.in_bfloat16 is None


def test_a_user_without_this_package_can_use_an_onnx_file(trained: Run, tmp_path: Path) -> None:
    needs("onnx")
    import onnxruntime

    export(trained, "onnx", str(tmp_path / "onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "onnx" / "model.onnx")
    (given,) = session.get_inputs()
    assert (given.name, given.type) == ("pixels", "tensor(float)")
    assert given.shape == ["batch", 64, 64, 3]
    assert {output.name for output in session.get_outputs()} == {"logits", "probabilities"}


def test_the_images_of_a_source_are_compared(trained: Run, tmp_path: Path) -> None:
    source = "phantom?images=10&size=64&seed=5"
    done = export(trained, "savedmodel", tmp_path / "a", source=source, images=3)
    assert done.images == 3
    assert "phantom" in done.compared_on


def test_noise_is_used_and_said_where_a_run_keeps_no_pictures(trained: Run) -> None:
    without = replace(run_folder.load_reference(trained), thumbnails=())
    noise, told = export_comparison.sample_pictures(None, without, (64, 64, 1), 4)
    assert noise.shape == (4, 64, 64, 1)
    assert "random noise" in told


def test_wrong_weights_are_caught_and_nothing_is_left(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = with_probabilities

    def wrong(model, temperature):
        bias = model.layers[-1].bias
        bias.assign(bias + np.array([0.01, 0], np.float32))
        return right(model, temperature)

    monkeypatch.setattr(sys.modules["zoo.workflows.export"], "with_probabilities", wrong)
    with pytest.raises(BadInput, match=r"a probability is off by 0\.0\d\d"):
        export(trained, "savedmodel", tmp_path / "wrong")
    assert not list(tmp_path.iterdir())


class Fixed(TrainedClassifier):
    """Gives the logits it was made with."""

    def __init__(self, logits: np.ndarray) -> None:
        self._logits, self.temperature = logits, 1.0

    def logits(self, pixels: np.ndarray, boxes: np.ndarray | None = None) -> np.ndarray:
        return self._logits[: len(pixels)]


@pytest.mark.parametrize(
    ("logits", "change", "told"),
    [
        ([[1.0, 0.0]], 1e-3, "a probability"),
        ([[90.0, 0.0]], 0.5, "a logit"),  # both probabilities are one: the logits tell
        ([[1.0, 0.0]], np.nan, "off by nan"),
    ],
)
def test_each_kind_of_difference_is_refused(logits, change: float, told: str) -> None:
    original = np.array(logits, np.float32)
    changed = original + np.array([[change, 0]], np.float32)
    given = {LOGITS: changed, PROBABILITIES: softmax(changed)}
    with pytest.raises(BadInput, match=told):
        export_comparison.compare_logits(Fixed(original), lambda pixels: given, pixels(1), "onnx")


def test_small_differences_of_large_logits_are_rounding() -> None:
    original = np.array([[900.0, 0.0]], np.float32)
    changed = original + np.array([[0.01, 0]], np.float32)
    given = {LOGITS: changed, PROBABILITIES: softmax(changed)}
    off, logits_off = export_comparison.compare_logits(
        Fixed(original), lambda x: given, pixels(1), "onnx"
    )
    assert off == 0
    assert logits_off == pytest.approx(0.01, rel=0.01)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_network_in_bfloat16_with_odd_names_and_a_shared_layer_is_exported_in_float32(
    kind: str, tmp_path: Path
) -> None:
    needs(kind)
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        given = keras.Input((16, 16, 1))
        shared = layers.Conv2D(4, 3, padding="same", name="_shared")
        x = layers.Conv2D(4, 3, name="_first")(layers.Rescaling(1 / 255)(given))
        x = layers.BatchNormalization(name="_bn1")(shared(shared(x)) + 1)
        model = keras.Model(given, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    finally:
        keras.config.set_dtype_policy("float32")
    seen = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1)).astype(np.uint8)
    original = TrainedClassifier(model, ("a", "b"), 1, 1.5)
    copy = TrainedClassifier(export_copy(model), ("a", "b"), 1, 1.5)
    difference = np.abs(copy.logits(seen) - original.logits(seen)).max()
    assert 0 < difference < 0.05  # of bfloat16's 8 bits, and not of other weights
    path = tmp_path / FORMATS[kind].file
    FORMATS[kind].write(with_probabilities(copy.model, 1.5), path)
    off, _ = export_comparison.compare_logits(copy, FORMATS[kind].open(path), seen, kind)
    assert off < 1e-5


def test_an_earlier_export_is_replaced_and_nothing_else(trained: Run, tmp_path: Path) -> None:
    path = tmp_path / "out"
    export(trained, "savedmodel", path)
    (path / "left.txt").write_text("of the earlier one")
    export(trained, "savedmodel", path)
    assert sorted(p.name for p in path.iterdir()) == [CARD, "model"]
    (path / CARD).unlink()
    with pytest.raises(BadInput, match="something else than an export"):
        export(trained, "savedmodel", path)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="is a file"):
        export(trained, "savedmodel", tmp_path / "file")


def test_a_network_that_cannot_be_converted_is_one_sentence(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(network, path):
        raise RuntimeError("no operation Sobel\nand a long trace")

    form = FORMATS["savedmodel"]
    broken = export_formats.ExportFormat(form.name, form.file, {}, failing, form.open)
    monkeypatch.setattr(export_formats, "FORMATS", {"savedmodel": broken})
    with pytest.raises(BadInput, match=r"RuntimeError: no operation Sobel\)"):
        export(trained, "savedmodel", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_missing_packages_are_told_with_the_command_that_installs_them() -> None:
    form = FORMATS["onnx"]
    missing = export_formats.ExportFormat(
        "onnx", "x", {"no-such": "no_such"}, form.write, form.open
    )
    with pytest.raises(InvalidSetting, match=r"no-such.*pip install 'xray-zoo\[export\]'"):
        missing.check_packages()


def test_wrong_requests_are_told(trained: Run) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'onnx'"):
        export(trained, "onx")
    with pytest.raises(InvalidSetting, match="at least 1"):
        export(trained, "savedmodel", images=0)


def test_the_command_writes_into_the_run_and_says_where(run_copy: Path) -> None:
    result = CliRunner().invoke(main, ["export", str(run_copy), "--format", "savedmodel"])
    assert result.exit_code == 0, result.output
    folder = run_copy / "export" / "savedmodel"
    assert (folder / "model" / "saved_model.pb").is_file()
    for part in (str(folder), "MB", "Largest difference", "NORMAL, PNEUMONIA", DISCLAIMER):
        assert part in result.stdout
    assert "SYNTHETIC DATA" in result.stdout
    run_folder.open_run(run_copy)  # the run itself is as it was
    arguments = ["export", str(run_copy), "--format", "savedmodel", "--images", "2", "--json"]
    answer = json.loads(CliRunner().invoke(main, arguments).stdout)
    assert answer["images"] == 2
    assert answer["largest_difference"] < 1e-5


def test_an_unknown_format_exits_with_2(trained: Run) -> None:
    result = CliRunner().invoke(main, ["export", str(trained.path), "--format", "pickle"])
    assert result.exit_code == 2
    assert "'pickle' is not one of 'savedmodel', 'onnx', 'tflite'" in result.stderr
