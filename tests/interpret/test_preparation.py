"""What is measured at the end of a training, so that the first verdict does not wait for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoo import Images, ZooError
from zoo.base.progress import Silent
from zoo.interpret import preparation
from zoo.interpret.interpreter import FIRST_TIME, Interpreter
from zoo.interpret.trust import kept
from zoo.runs import run_folder
from zoo.workflows import train


class Told(Silent):
    """Remembers what it is told, and counts the steps of the stretch that runs."""

    def __init__(self):
        self.said, self.stretches, self.running = [], [], None

    def note(self, message):
        self.said.append(message)

    warn = note

    def start(self, title, total):
        self.running = {"title": title, "total": total, "done": 0}
        self.stretches.append(self.running)

    def advance(self, steps=1):
        assert self.running is not None, "a step of no stretch"
        self.running["done"] += steps

    def stop(self):
        self.running = None


def cases(run, registry):
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    told, interpreter = Told(), Interpreter(run, registry=registry)
    told.start("explaining", interpreter.stages)
    found = interpreter.cases(Images(pixels, ("a",), (None,), ("a",)), progress=told)
    return found, told.said


def test_the_first_verdict_of_a_prepared_run_measures_nothing(run_copy, tiny_registry, monkeypatch):
    run, told = run_folder.open_run(run_copy), Told()
    preparation.prepare_verdicts(run, tiny_registry, told)
    tried = {path.stem for path in (run_copy / kept.FOLDER).glob("*.json")}
    assert tried == {"gradcam", "saliency"}
    (stretch,) = told.stretches
    assert stretch["done"] == stretch["total"] >= len(tried)

    def fails(*asked):
        raise AssertionError("measured twice")

    monkeypatch.setattr(kept, "randomisation_test", fails)
    preparation.prepare_verdicts(run, tiny_registry)
    (case,), said = cases(run, tiny_registry)
    assert FIRST_TIME not in said
    likeness = "likeness to maps of random networks"
    for trust in case.trust.values():
        assert {row.name: row.value for row in trust.rows}[likeness] != "not measured"


def test_a_run_that_was_not_prepared_says_what_it_does(run_copy, tiny_registry, monkeypatch):
    monkeypatch.setattr(
        kept,
        "randomisation_test",
        lambda explainers, *_: {explainer.name: None for explainer in explainers},
    )
    _, said = cases(run_folder.open_run(run_copy), tiny_registry)
    assert FIRST_TIME in said


def test_a_run_without_pictures_is_left_as_it_is(run_copy, tiny_registry, monkeypatch):
    without = replace(run_folder.load_reference(run_folder.read(run_copy)), thumbnails=())
    monkeypatch.setattr(run_folder, "load_reference", lambda _: without)
    preparation.prepare_verdicts(run_folder.open_run(run_copy), tiny_registry)
    assert not (run_copy / kept.FOLDER).exists()


@pytest.mark.parametrize("fault", [None, ZooError("No method explains it.")])
def test_a_training_is_done_whether_or_not_verdicts_can_be_prepared(
    trained, tiny_registry, monkeypatch, fault
):
    asked = []

    def prepare(run, *_):
        asked.append(run.name)
        if fault is not None:
            raise fault

    monkeypatch.setattr(train, "prepare_verdicts", prepare)
    told = Told()
    train._prepare(trained, tiny_registry, told)
    assert asked == [trained.name]
    assert any("No method explains it." in one for one in told.said) == (fault is not None)
