"""One image has one answer, whichever way a run is asked: to 1e-5 of a probability."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from starlette.testclient import TestClient

import zoo
from zoo import InvalidSetting, Prediction
from zoo.base.pictures.images import read_image
from zoo.base.registry import Registry
from zoo.cli import main
from zoo.data import pipeline
from zoo.network.export_formats import FORMATS, PROBABILITIES
from zoo.runs import model_file
from zoo.runs.run_folder import Run
from zoo.web.app import site
from zoo.web.service import api
from zoo.web.service.library import Library
from zoo.workflows import explain, export, predict

TOLERANCE = 1e-5
SIZES = ((64, 64), (90, 120), (33, 200), (64, 64), (512, 300))
"""Of the images: as the network sees them, and those that have to be scaled."""
METHOD = "saliency"
LOCAL = "http://127.0.0.1"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(len(SIZES))]
    for path, size in zip(paths, SIZES, strict=True):
        Image.fromarray(random.integers(0, 256, size, np.uint8)).save(path)
    return paths


@pytest.fixture(scope="module")
def library(trained: Run, tiny_registry: Registry) -> Iterator[Library]:
    opened = Library(trained.path.parent, registry=tiny_registry)
    yield opened
    opened.close()


def by_class(named: Mapping[str, float], run: Run) -> list[float]:
    return [named[name] for name in run.class_names]


def from_python(run: Run, paths: list[Path]) -> list[list[float]]:
    found = [one for one in predict.predict(paths, run) if isinstance(one, Prediction)]
    return [by_class(one.probabilities, run) for one in found]


def from_commands(run: Run, paths: list[Path], output: Path) -> dict[str, list[list[float]]]:
    """Ask `zoo predict` and `zoo explain`."""
    names = [*map(str, paths)]
    told = CliRunner().invoke(main, ["predict", "--run", str(run.path), *names, "--json"])
    assert told.exit_code == 0, told.output
    asked = ["--run", str(run.path), "--method", METHOD, "--no-trust", "--format", "json"]
    explained = CliRunner().invoke(main, ["explain", *asked, "--output", str(output), *names])
    assert explained.exit_code == 0, explained.output
    records = [json.loads((output / f"{path.stem}.json").read_text()) for path in paths]
    predictions = json.loads(told.stdout)["predictions"]
    return {
        "zoo predict": [by_class(one["probabilities"], run) for one in predictions],
        "zoo explain": [by_class(one["probabilities"], run) for one in records],
    }


def from_service(run: Run, paths: list[Path], library: Library) -> dict[str, list[list[float]]]:
    """Ask the HTTP API for answers and explanations, and the application for its report."""
    client = TestClient(api.create(library), base_url=LOCAL)
    visitor = TestClient(site.create(library), base_url=LOCAL)
    files = [("files", (path.name, path.read_bytes())) for path in paths]
    told = client.post("/predict", files=files).json()["predictions"]
    explained, shown = [], []
    for file in files:
        answer = client.post("/explain", files=[file], data={"methods": METHOD, "trust": "false"})
        explained += answer.json()["cases"]
        read = visitor.post("/app/read", data={"run": run.name}, files=[file]).json()
        (key,) = re.findall(r'data-image="([^"]+)"', read["card"])
        report = visitor.get(f"/app/images/{key}/report.json", params={"run": run.name})
        shown += report.json()["cases"]
    return {
        "API, predict": [by_class(one["probabilities"], run) for one in told],
        "API, explain": [by_class(one["probabilities"], run) for one in explained],
        "application": [by_class(one["probabilities"], run) for one in shown],
    }


def from_exports(run: Run, pixels: np.ndarray, folder: Path) -> dict[str, Any]:
    """Export the run in each format whose packages are installed, and ask each export."""
    found = {}
    for kind, form in FORMATS.items():
        try:
            form.check_packages()
        except InvalidSetting:
            continue
        done = export.export(run, kind, folder / kind)
        answers = form.open(done.path / form.file)
        found[f"export, {kind}"] = answers(pixels.astype(np.float32))[PROBABILITIES]
    return found


def test_every_way_of_asking_gives_the_same_answer(
    trained: Run,
    pictures: list[Path],
    library: Library,
    tiny_registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = np.array(from_python(trained, pictures))
    assert expected.shape == (len(SIZES), 2)
    assert np.ptp(expected[:, 0]) > 100 * TOLERANCE  # else any answer would do
    pixels = np.stack([read_image(path, (64, 64)) for path in pictures])
    classifier = model_file.load_classifier(trained)
    cases = explain.explain(pictures, trained, methods=[METHOD], registry=tiny_registry)
    ways = {
        "Python, explain": [case.probabilities for case in cases if isinstance(case, zoo.Case)],
        "one by one": [classifier.probabilities(pixels[i : i + 1])[0] for i in range(len(pixels))],
        "all at once": classifier.probabilities(pixels),
        "many at once": classifier.probabilities(np.tile(pixels, (40, 1, 1, 1)))[-len(pixels) :],
        **from_commands(trained, pictures, tmp_path / "explanations"),
        **from_service(trained, pictures, library),
        **from_exports(trained, pixels, tmp_path),
    }
    for size in (1, 2, 3):
        monkeypatch.setattr(predict, "PREDICTION_BATCH", size)
        ways[f"batches of {size}"] = from_python(trained, pictures)
    assert len(SIZES) < pipeline.PREDICTION_BATCH
    off = {way: float(np.abs(np.array(given) - expected).max()) for way, given in ways.items()}
    assert {way: most for way, most in off.items() if not most <= TOLERANCE} == {}
    assert len(off) >= 13  # a format whose packages are not installed is left out
