"""A training that cuts its pictures to the lungs, from end to end on the phantom."""

from __future__ import annotations

import base64
import io
import json
import re
import types

import numpy as np
import pytest
from PIL import Image

from plugins.readers.phantom.cohort import Cohort
from zoo import Architecture, Images, InvalidSetting, hookimpl
from zoo.base.progress import Silent
from zoo.base.registry import Registry, load_registry
from zoo.interpret.case import Case
from zoo.interpret.interpreter import Interpreter
from zoo.network import frame, localiser
from zoo.network.export_formats import FORMATS, LOGITS
from zoo.report.cases import overlays
from zoo.report.cases.record import case_record
from zoo.runs import model_file, run_folder
from zoo.runs.decision import UNKNOWN
from zoo.runs.run_folder import Run
from zoo.workflows import train
from zoo.workflows.explain_folder import ExplanationJob, explain_folder
from zoo.workflows.export import export
from zoo.workflows.predict import predict

SEEN, READ = (70, 70, 3), (100, 100, 3)
SOURCE = "phantom?images=60&size=100"
COHORT = Cohort(seed=7, size=100, prevalence=0.5, difficulty=0.3, extent=1.0)
CHANGES = {"epochs": 2, "cases": 10, "averaging": 0.5, "learning_rate": 0.01}


def build(input_shape, num_classes):
    import keras
    from keras import layers

    pixels = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    for filters in (4, 8):
        x = layers.Conv2D(filters, 3, strides=3, padding="same", activation="relu")(x)
    return keras.Model(pixels, layers.Dense(num_classes)(layers.GlobalAveragePooling2D()(x)))


@pytest.fixture(scope="module")
def registry() -> Registry:
    plugin = types.ModuleType("small")
    small = Architecture(name="small", summary="s", build=build, parameters=1, input_shape=SEEN)
    plugin.zoo_architectures = hookimpl(lambda: [small], specname="zoo_architectures")
    return load_registry(plugin)


@pytest.fixture(scope="module")
def run(registry, tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("framed")
    return train.train("small", SOURCE, changes=CHANGES, folder=folder, registry=registry)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A radiograph and noise, as files."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.fromarray(COHORT.read(COHORT.samples(1)[0], None)).save(folder / "a-chest.png")
    noise = np.random.default_rng(0).integers(0, 256, READ, np.uint8)
    Image.fromarray(noise).save(folder / "b-noise.png")
    return folder


def test_its_record_says_what_it_sees_and_its_folder_has_who_finds_it(run):
    record = run.record
    assert (record["frame"], record["sees"], record["input_shape"]) == (
        "lungs",
        list(SEEN),
        list(READ),
    )
    assert record["decision"]["frame"] == "lungs"
    assert {run_folder.LOCALISER, run_folder.STRESSED} <= record["files"].keys()
    kept, packaged = localiser.load(run.path / run_folder.LOCALISER), localiser.lungs()
    assert kept.key == packaged.key
    assert record["localiser"].keys() == {"dice", "overlap", "masks", "attribution"}
    assert record["localiser"]["dice"] == packaged.dice
    assert record["localiser"]["attribution"] == packaged.attribution
    classifier = model_file.load_classifier(run)
    assert classifier.input_shape == READ
    assert frame.is_framed(classifier.model)
    own = sum(v.numpy().size for v in classifier.inner.trainable_variables)
    assert record["parameters"] == {"total": own, "trainable": own}
    for name, value in localiser.weights_of(packaged.network(READ)).items():
        layer_name, variable = name.split("/")
        weights = classifier.model.get_layer(f"frame.{layer_name}").weights
        found = next(w for w in weights if w.name == variable)
        np.testing.assert_array_equal(found, value)


def test_it_was_scored_as_the_finished_network_answers(run, registry):
    """The network was trained on what a stream cuts; the run cuts by itself."""
    dataset = registry.dataset(SOURCE)
    by_name = {sample.name: sample for sample in dataset.samples}
    with np.load(run.path / run_folder.VALIDATION) as kept:
        names, logits = kept["names"], kept["logits"]
    pixels = np.stack([dataset.read(by_name[str(name)], READ[:2]) for name in names])
    answered = model_file.load_classifier(run).logits(pixels)
    np.testing.assert_allclose(answered, logits, atol=0.02)
    cases = run_folder.load_reference(run)
    one = dataset.read(by_name[cases.names[0]], READ[:2])[None]
    embedding = model_file.load_classifier(run).embeddings(one)[0]
    np.testing.assert_allclose(embedding, cases.embeddings[0], rtol=1e-3, atol=1e-3)


def test_a_prediction_tells_the_box_and_what_shows_no_lungs_is_refused(run, pictures):
    chest, noise = predict([pictures], run)
    top, left, bottom, right = chest.box
    lungs = COHORT.lungs(COHORT.samples(1)[0], READ[:2])
    rows, columns = np.nonzero(lungs)
    for found, true in zip(
        (top, left, bottom, right),
        (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1),
        strict=True,
    ):
        assert found == pytest.approx(true / 100, abs=0.1)
    assert json.loads(json.dumps(chest.row()))["box"] == list(chest.box)
    assert noise.box is None
    assert noise.refused == UNKNOWN
    assert noise.reason.startswith("No plausible lungs could be found in it")
    assert "No plausible lungs" not in chest.reason


def test_an_explanation_is_judged_by_the_lungs_and_drawn_in_its_frame(run, pictures, tmp_path):
    order = ExplanationJob(
        run=run.path, methods=("gradcam",), trust=False, formats=("html", "json")
    )
    told = explain_folder([pictures], order, tmp_path / "out")
    case, strange = (one for one in told if isinstance(one, Case))
    assert strange.box is None
    (heat_map,) = case.attributions
    outside = np.ones(READ[:2], bool)
    top, left, bottom, right = (round(100 * edge) for edge in case.box)
    outside[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1] = False
    assert outside.any()
    assert (heat_map.values[outside] == 0).all()
    record, _ = case_record(case)
    assert record["box"] == case.box
    assert json.loads((tmp_path / "out" / "a-chest.json").read_text())["box"] == list(case.box)
    assert json.loads((tmp_path / "out" / "b-noise.json").read_text())["box"] is None
    page = (tmp_path / "out" / "a-chest.html").read_text()
    assert "The network saw what is inside the light line" in page
    assert "light line" not in (tmp_path / "out" / "b-noise.html").read_text()
    drawn = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(found))), int)
        for found in re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    ]
    wanted = [
        overlays.shown(case.pixels, case.box),
        overlays.overlay(case.pixels, heat_map, case.box),
    ]
    for picture in wanted:
        assert min(np.abs(one - picture).mean() for one in drawn if one.shape == picture.shape) < 3


def test_heat_maps_are_judged_by_the_mask_that_is_found(run, monkeypatch):
    interpreter = Interpreter(run, methods=["gradcam"])
    pixels = np.stack([COHORT.read(COHORT.samples(1)[0], READ[:2]), np.zeros(READ, np.uint8)])
    images = Images(pixels, ("a", "b"), (None, None), ("a", "b"))
    lungs, nothing = interpreter._lungs_of(images, None)
    assert nothing is None
    truth = COHORT.lungs(COHORT.samples(1)[0], READ[:2])
    assert 2 * (lungs & truth).sum() / (lungs.sum() + truth.sum()) > 0.8
    given, _ = interpreter._lungs_of(images, [~truth, None])
    np.testing.assert_array_equal(given, ~truth)


@pytest.mark.parametrize("kind", [pytest.param("onnx", marks=pytest.mark.slow), "savedmodel"])
def test_an_export_finds_the_lungs_itself(kind, run, pictures, tmp_path):
    try:
        FORMATS[kind].check_packages()
    except InvalidSetting as error:
        pytest.skip(str(error))
    done = export(run, kind, tmp_path / kind)
    assert done.largest_difference < 1e-4
    card = json.loads((done.path / "card.json").read_text())
    assert card["input"]["shape"] == [None, *READ]
    pixels = np.stack([np.asarray(Image.open(p)) for p in sorted(pictures.iterdir())])
    answers = FORMATS[kind].open(done.path / FORMATS[kind].file)(pixels.astype(np.float32))
    original = model_file.load_classifier(run)
    np.testing.assert_allclose(answers[LOGITS], original.logits(pixels), rtol=1e-3, atol=1e-3)


class Killer(Silent):
    """Stops the training as a killed process would, after one epoch."""

    def start(self, title, total):
        if title == "network 2/2":
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_killed_training_resumes_in_the_same_frames(run, registry, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train.train(
            "small",
            SOURCE,
            changes=CHANGES,
            folder=tmp_path,
            registry=registry,
            progress=Killer(),
        )
    (killed,) = run_folder.listing(tmp_path)
    resumed = train.resume(killed.path, registry=registry)
    assert resumed.record["sees"] == run.record["sees"]
    assert resumed.record["input_shape"] == run.record["input_shape"]
    whole, after = (model_file.load_classifier(one).model.get_weights() for one in (run, resumed))
    for one, other in zip(whole, after, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert resumed.record["operating_point"]["threshold"] == pytest.approx(
        run.record["operating_point"]["threshold"], abs=1e-5
    )


def test_a_damaged_localiser_is_told(run, registry, tmp_path):
    import shutil

    from zoo import DamagedRun

    copy = run_folder.open_run(shutil.copytree(run.path, tmp_path / "runs" / "copy"))
    (copy.path / run_folder.LOCALISER).write_bytes(b"half")
    with pytest.raises(DamagedRun, match="Or train the run again"):
        model_file.load_finder(copy)
    (copy.path / run_folder.LOCALISER).unlink()
    assert model_file.load_finder(copy) is None
