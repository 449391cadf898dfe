"""An engine answers only where it agrees with Keras, is kept, and is not believed when damaged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

import zoo
from zoo import BadInput, InvalidSetting, Prediction, UnknownName
from zoo.base.registry import Registry
from zoo.network.engines.classifier import EngineClassifier
from zoo.network.engines.engine import ENGINES, KERAS, Engine
from zoo.network.engines.folded import folded_call
from zoo.network.export_formats import ExportFormat
from zoo.runs import engine_choice, model_file, run_folder
from zoo.runs.engine_choice import MANY, WORTHWHILE, classifier_of
from zoo.runs.run_folder import Run

FAST, SLOW, MISSING = "fast", "slow", "missing"


@dataclass
class Library:
    """Stands for a library that answers: computes with the network it was given, and counts."""

    off: float = 0.0
    tilt: np.ndarray = field(default_factory=lambda: np.zeros(2, np.float32))
    broken: bool = False
    converted: int = 0
    asked: int = 0
    network: Any = None

    def write(self, network: Any, path: Path) -> None:
        if self.broken:
            raise RuntimeError("no such operation")
        self.converted += 1
        self.network = network
        path.write_text("converted")

    def open(self, path: Path) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        assert path.read_text() == "converted"

        def call(pixels: np.ndarray) -> dict[str, np.ndarray]:
            self.asked += len(pixels)
            given = self.network(pixels)
            answers = {name: np.asarray(values) + self.off for name, values in given.items()}
            return answers | {"logits": answers["logits"] + self.tilt}

        return call


class Notes:
    """Listens, and remembers what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, message: str) -> None:
        self.said.append(message)

    warn = note

    def start(self, title: str, total: int) -> None: ...

    def advance(self, steps: int = 1) -> None: ...

    def epoch(self, row: Any, epochs: int) -> None: ...

    def stop(self) -> None: ...


def engine_of(name: str, library: Library, packages: dict[str, str] | None = None) -> Engine:
    form = ExportFormat(name, f"{name}.bin", {}, library.write, library.open)
    return Engine(name, form, packages or {}, "export", library.open)


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Library]:
    """One engine that is installed, one that is not, and an empty cache folder."""
    library = Library()
    stand_ins = {
        FAST: engine_of(FAST, library),
        MISSING: engine_of(MISSING, Library(), {"no-such-package": "no_such_module"}),
    }
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    # Gives the engines back in their order, which deleting one by one would turn round.
    with mock.patch.dict(ENGINES, stand_ins, clear=True):
        yield library


def pixels(count: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 64, 64, 3), np.uint8)


def kept(tmp_path: Path, name: str = FAST) -> Path:
    (folder,) = tmp_path.glob(f"cache/engines/*/{name}")
    return folder


def timed(folder: Path, seconds: float, keras_seconds: float) -> None:
    """Write into what is kept how fast the engine was."""
    record = json.loads((folder / "engine.json").read_text())
    record["measured"] |= {"seconds": seconds, "keras_seconds": keras_seconds}
    (folder / "engine.json").write_text(json.dumps(record))


def test_what_is_kept_answers_without_keras_and_without_converting_again(
    trained: Run, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = model_file.load_classifier(trained).answers(pixels())
    assert isinstance(classifier_of(trained, FAST), EngineClassifier)
    monkeypatch.setattr(model_file, "load_classifier", lambda _: pytest.fail("it was loaded"))
    again = classifier_of(trained, FAST)
    for given, right in zip(again.answers(pixels()), wanted, strict=True):
        np.testing.assert_allclose(given, right, atol=1e-5)
    assert library.converted == 1
    assert again.input_shape == (64, 64, 3)


def test_a_damaged_one_is_made_anew(trained: Run, library: Library, tmp_path: Path) -> None:
    classifier_of(trained, FAST)
    (kept(tmp_path) / f"{FAST}.bin").write_text("converteD")
    classifier_of(trained, FAST)
    assert library.converted == 2
    assert (kept(tmp_path) / f"{FAST}.bin").read_text() == "converted"
    for content in ("", "[]", "{}", '{"measured": 1}', '{"measured": {}, "more": 1}'):
        (kept(tmp_path) / "engine.json").write_text(content)
        classifier_of(trained, FAST)
    assert library.converted == 7


def test_one_that_was_made_with_other_versions_or_for_other_weights_is_not_used(
    trained: Run, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier_of(trained, FAST)
    monkeypatch.setattr(engine_choice.platform, "node", lambda: "another machine")
    classifier_of(trained, FAST)
    assert library.converted == 2
    files = {**trained.record["files"], "model.keras": "0123"}
    classifier_of(Run(trained.path, {**trained.record, "files": files}), FAST)
    assert library.converted == 3


@pytest.mark.parametrize("off", [0.01, np.nan])
def test_an_engine_that_answers_otherwise_is_refused(
    off: float, trained: Run, library: Library, tmp_path: Path
) -> None:
    library.off = off
    with pytest.raises(BadInput, match=r"'fast' answers otherwise than Keras.*--engine keras"):
        classifier_of(trained, FAST)
    assert [path.name for path in kept(tmp_path).iterdir()] == ["engine.json"]
    automatic = classifier_of(trained, images=WORTHWHILE)
    assert not isinstance(automatic, EngineClassifier)
    assert library.converted == 1  # it is known that it does not agree


def test_a_network_that_cannot_be_converted_is_one_sentence(trained: Run, library: Library) -> None:
    library.broken = True
    with pytest.raises(BadInput, match=r"RuntimeError: no such operation.*--engine keras"):
        classifier_of(trained, FAST)


def test_engines_that_are_unknown_or_missing_are_refused_first(trained: Run) -> None:
    with pytest.raises(UnknownName, match="no engine 'fats'"):
        next(zoo.predict(["nowhere"], trained, engine="fats"))
    with pytest.raises(InvalidSetting, match="needs no-such-package"):
        next(zoo.predict(["nowhere"], trained, engine=MISSING))


def test_auto_converts_nothing_for_a_few_images(trained: Run, library: Library) -> None:
    assert not isinstance(classifier_of(trained, images=WORTHWHILE - 1), EngineClassifier)
    assert library.converted == 0


def test_auto_tries_what_is_installed_when_there_is_enough_to_do(
    trained: Run, library: Library, tmp_path: Path
) -> None:
    classifier_of(trained, images=WORTHWHILE)
    classifier_of(trained, images=WORTHWHILE)
    assert library.converted == 1
    assert {path.name for path in kept(tmp_path).parent.iterdir()} == {FAST}


def test_auto_takes_the_fastest_that_is_kept(
    trained: Run, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Library()
    monkeypatch.setitem(ENGINES, SLOW, engine_of(SLOW, other))  # type: ignore[arg-type]
    for name in (SLOW, FAST):
        classifier_of(trained, name)
    timed(kept(tmp_path), 1.0, 3.0)
    timed(kept(tmp_path, SLOW), 1.0, 2.0)
    before = library.asked
    classifier_of(trained).answers(pixels(3))
    assert library.asked == before + 3
    timed(kept(tmp_path), 1.0, 1.05)  # not worth another library
    before = other.asked
    classifier_of(trained).answers(pixels(3))
    assert other.asked == before + 3
    (kept(tmp_path, SLOW) / f"{SLOW}.bin").write_text("damaged")
    assert not isinstance(classifier_of(trained), EngineClassifier)


def test_where_nothing_can_be_kept_it_answers_all_the_same(
    trained: Run, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    notes = Notes()
    found = classifier_of(trained, FAST, progress=notes)
    assert isinstance(found, EngineClassifier)
    assert len(found.answers(pixels())[0]) == 3
    assert [said for said in notes.said if "is not kept" in said]


def test_an_answer_near_a_limit_is_that_of_keras(
    trained: Run, library: Library, picture: Callable[..., Path]
) -> None:
    path, positive = picture("a.png"), trained.class_names[trained.record["positive"]]

    def chance(run: Run, engine: str) -> float:
        (said,) = zoo.predict([path], run, engine=engine)
        assert isinstance(said, Prediction)
        return said.probabilities[positive]

    plain = chance(trained, "keras")
    point = {**trained.record["operating_point"], "threshold": plain}
    at_it = Run(trained.path, {**trained.record, "operating_point": point})
    classifier_of(trained, FAST)
    for tilt in (-2e-5, 2e-5):  # to either side, by less than is allowed
        library.tilt = np.array([tilt, -tilt], np.float32)
        assert chance(at_it, FAST) == pytest.approx(plain, abs=1e-7)  # of Keras
        assert abs(chance(trained, FAST) - plain) > 1e-6  # of the engine: no limit is near


@pytest.mark.slow
def test_a_score_by_an_engine_is_that_of_keras(
    run_copy: Path, library: Library, tiny_registry: Registry
) -> None:
    run = run_folder.read(run_copy)
    plain = zoo.evaluate(run, registry=tiny_registry).result
    before = library.asked
    given = zoo.evaluate(run, registry=tiny_registry, engine=FAST).result
    assert library.asked > before
    for name in ("roc_auc", "accuracy", "sensitivity"):
        value = plain["metrics"][name]["value"]
        assert given["metrics"][name]["value"] == pytest.approx(value, abs=1e-6)


def test_few_images_and_networks_without_normalisation_are_answered_as_they_are(
    trained: Run,
) -> None:
    loaded = model_file.load_classifier(trained)
    assert classifier_of(trained, KERAS, MANY - 1, loaded=loaded) is loaded
    folds = folded_call(loaded) is not None
    many = classifier_of(trained, KERAS, MANY, loaded=loaded)
    assert isinstance(many, EngineClassifier) is folds
