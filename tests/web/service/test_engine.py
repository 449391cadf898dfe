"""Runs are found by name alone, and a few of them are kept loaded."""

from __future__ import annotations

import io
import json
import shutil
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from zoo import UnknownName
from zoo.base.registry import Registry
from zoo.network.classifier import TrainedClassifier
from zoo.runs import engine_choice
from zoo.runs.run_folder import RECORD, Run
from zoo.web.service import library as library_module
from zoo.web.service.engine import Engine
from zoo.web.service.library import Library
from zoo.web.service.limits import Limits
from zoo.web.service.uploads import accept


def png(width: int = 64, height: int = 64, seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name", ["..", "../runs", "/etc", "a/b", "", ".", "x\x00", "\\..", "n" * 5000, "~", "*"]
)
def test_only_names_of_the_folder_are_known(
    name: str, trained: Run, tiny_registry: Registry
) -> None:
    library = Library(trained.path.parent, registry=tiny_registry)
    with pytest.raises(UnknownName):
        library.answer(name, lambda engine: engine)
    with pytest.raises(UnknownName):
        library.engine(name)
    library.close()


@pytest.mark.slow
def test_a_library_keeps_the_runs_used_last(
    trained: Run, tmp_path: Path, tiny_registry: Registry
) -> None:
    for name in "abc":
        shutil.copytree(trained.path, tmp_path / name)
    (tmp_path / "secret").mkdir()
    library = Library(tmp_path, limits=Limits(loaded=2), registry=tiny_registry)
    first = library.engine("a")
    for name in ("b", "a", "c"):
        library.engine(name)
    assert library.loaded == ("a", "c")
    assert library.engine("a") is first
    with pytest.raises(UnknownName):
        library.engine("secret")
    library.close()
    alone = Library(tmp_path, only=("b",), registry=tiny_registry)
    assert [run.name for run in alone.runs()] == ["b"]
    assert alone.default == "b"
    with pytest.raises(UnknownName):
        alone.engine("a")
    alone.close()


def test_a_run_that_made_room_is_gone_with_its_network(
    trained: Run, tmp_path: Path, tiny_registry: Registry
) -> None:
    for name in "ab":
        shutil.copytree(trained.path, tmp_path / name)
    library = Library(tmp_path, limits=Limits(loaded=1), registry=tiny_registry)
    upload = accept(png(), "a.png", Limits())

    def explained(name: str) -> weakref.ref[object]:
        engine = library.engine(name)
        engine.explain([upload], methods=["gradcam", "examples"])
        return weakref.ref(engine.interpreter().classifier.model)

    first = explained("a")
    assert first() is not None
    explained("b")
    assert library.loaded == ("b",)
    assert first() is None
    library.close()


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an engine know its run, and load nothing."""
    monkeypatch.setattr(library_module, "Engine", lambda run, *_, **__: SimpleNamespace(run=run))


def remember(run: Path, note: str) -> None:
    record = json.loads((run / RECORD).read_text())
    (run / RECORD).write_text(json.dumps({**record, "created": note}))


@pytest.mark.usefixtures("unloaded")
def test_who_was_renamed_in_a_terminal_answers_under_no_other_name(
    run_copy: Path, tiny_registry: Registry
) -> None:
    folder, other = run_copy.parent, run_copy.with_name("other")
    shutil.copytree(run_copy, other)
    remember(other, "2020-01-01")
    library = Library(folder, registry=tiny_registry)
    first = library.engine("copy")
    assert library.engine("copy") is first
    run_copy.rename(folder / "old")
    with pytest.raises(UnknownName):
        library.engine("copy")
    other.rename(run_copy)
    assert library.engine("copy").run.record["created"] == "2020-01-01"
    library.close()


@pytest.mark.usefixtures("unloaded")
def test_when_the_default_is_gone_the_newest_answers(
    run_copy: Path, tiny_registry: Registry
) -> None:
    folder = run_copy.parent
    shutil.copytree(run_copy, folder / "older")
    remember(folder / "older", "2020-01-01")
    library = Library(folder, registry=tiny_registry)
    named = Library(folder, only=("copy",), registry=tiny_registry)
    assert library.engine().run.name == "copy"
    run_copy.rename(folder.parent / "away")
    assert library.engine().run.name == library.default == "older"
    with pytest.raises(UnknownName, match="copy was renamed or removed"):
        named.engine()
    library.close()
    named.close()


@pytest.mark.usefixtures("unloaded")
def test_what_was_forgotten_while_it_was_loaded_is_not_kept(
    run_copy: Path, tiny_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(run_copy.parent, registry=tiny_registry)

    def renamed(run: Run, *_: object, **__: object) -> SimpleNamespace:
        run_copy.rename(run_copy.with_name("new"))
        library.forget(run_copy.name)
        return SimpleNamespace(run=run)

    monkeypatch.setattr(library_module, "Engine", renamed)
    library.engine(run_copy.name)
    assert library.loaded == ()
    library.close()


def test_a_folder_without_runs(tmp_path: Path, tiny_registry: Registry) -> None:
    library = Library(tmp_path, registry=tiny_registry)
    with pytest.raises(UnknownName, match="no finished run"):
        library.engine()
    library.close()


def test_an_engine_answers_and_keras_explains(
    trained: Run, tiny_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class Counting:
        """Stands for an engine: answers as the network does, and counts."""

        def __init__(self, network: TrainedClassifier) -> None:
            self.network = network
            self.positive, self.temperature = network.positive, network.temperature

        def answers(self, pixels: np.ndarray) -> tuple[np.ndarray, ...]:
            asked.append(len(pixels))
            return self.network.answers(pixels)

    def chosen(run: Run, name: str, *, loaded: TrainedClassifier) -> Counting:
        assert (run, name) == (trained, "openvino")
        return Counting(loaded)

    monkeypatch.setattr(engine_choice, "classifier_of", chosen)
    engine = Engine(trained, Limits(), tiny_registry, engine="openvino")
    upload = accept(png(), "a.png", Limits())
    asked.clear()
    (said,) = engine.predict([upload])
    assert asked == [1]
    assert engine.predict([upload], prevalence=0.5)[0].leaning == said.leaning
    assert asked == [1, 1]
    case = engine.read(upload)
    assert asked == [1, 1]
    assert case.probabilities == pytest.approx(tuple(said.probabilities.values()), abs=1e-5)


def test_an_engine_of_another_name_is_refused_before_anything_is_loaded(trained: Run) -> None:
    with pytest.raises(UnknownName, match="no engine 'kerras'"):
        Library(trained.path.parent, engine="kerras")
