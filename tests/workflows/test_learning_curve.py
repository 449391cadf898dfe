"""Growing shares of the patients, and the answer to whether more would help."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from zoo import InvalidSetting
from zoo.base.registry import Registry
from zoo.workflows import learning_curve as workflow
from zoo.workflows.experiments import Experiment, Opened
from zoo.workflows.learning_curve import answer_sentence, learning_curve


@pytest.mark.slow
def test_shares_are_trained_and_the_answer_has_its_interval(
    tiny_registry: Registry, tmp_path: Path
) -> None:
    done = learning_curve(
        "tiny",
        "phantom?images=120&size=64",
        shares=(0.25, 0.5, 1.0),
        seeds=1,
        changes={"epochs": 1, "batch_size": 16},
        input_shape=(32, 32, 3),
        folder=tmp_path,
        registry=tiny_registry,
    )
    images = [point["images"] for point in done.result["points"]]
    assert images == sorted(images)
    assert images[0] < images[2] / 2
    for point in done.result["points"]:
        assert len(point["train"]) == len(point["validation"]) == len(point["test"]) == 1
    gain, reached = done.result["extrapolation"]["gain"], done.result["reached"]
    assert gain["low"] <= gain["value"] <= gain["high"]
    assert reached["value"] == pytest.approx(done.result["points"][-1]["test"][0], abs=1e-6)
    assert reached["low"] < reached["value"] < reached["high"]
    assert done.result["sentence"] in done.page.read_text()
    data = json.loads((done.page.parent / "learning-curve.json").read_text())
    assert data == done.result


def test_each_question_has_a_folder_of_its_own_which_every_system_takes(
    tiny_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(self: Opened, plan: object, place: Path) -> Experiment:
        return Experiment(self.verified, self.positive, (), self.tracked)

    monkeypatch.setattr(Opened, "trained", trained)
    monkeypatch.setattr(workflow, "_record", lambda *_: {"points": []})
    monkeypatch.setattr(workflow, "learning_page", lambda _: "")
    tiny = replace(tiny_registry.architecture("tiny"), name="keras:tiny")
    registry = replace(tiny_registry, architectures={"keras:tiny": tiny})
    source = "phantom?images=60&size=64"
    given = {"input_shape": (32, 32, 3), "folder": tmp_path, "registry": registry}
    one, more = (learning_curve("keras:tiny", source, seeds=n, **given).page for n in (1, 2))
    assert one != more
    assert one.parent.parent == more.parent.parent
    assert re.fullmatch("learning-curve-keras-tiny-[0-9a-f]{8}", one.parent.name)


def extrapolation(low: float, value: float, high: float) -> dict:
    return {
        "images": 1000,
        "now": {"value": 0.1, "low": 0.09, "high": 0.11},
        "gain": {"value": value, "low": low, "high": high},
    }


def area(value: float, half: float | None = 0.01) -> dict:
    ends = (None, None) if half is None else (value - half, value + half)
    return {"value": value, "low": ends[0], "high": ends[1]}


def test_the_answer_follows_the_interval() -> None:
    told = answer_sentence("a", extrapolation(-0.001, 0.001, 0.002), area(0.9))
    assert "a ROC-AUC of 0.900 (0.890-0.910) on patients" in told
    assert "not what holds it back" in told
    assert "More samples would help" in answer_sentence(
        "a", extrapolation(0.02, 0.03, 0.04), area(0.9)
    )
    assert "cannot be told" in answer_sentence("a", extrapolation(-0.01, 0.01, 0.03), area(0.9))


def test_a_law_that_does_not_fit_tells_nothing() -> None:
    assert "does not fit" in answer_sentence("a", extrapolation(0.0, 0.0, 0.0), area(0.85))


@pytest.mark.parametrize("reached", [area(0.5, None), area(0.55, 0.06), area(0.3)])
def test_what_is_not_above_chance_needs_no_more_images(reached: dict) -> None:
    for low, value, high in ((-0.001, 0.001, 0.002), (0.02, 0.03, 0.04)):
        law = extrapolation(low, value, high)
        law["now"]["value"] = 1 - reached["value"]
        told = answer_sentence("a", law, reached)
        assert "not shown to be better than chance" in told
        assert "help" not in told
        assert "holds it back" not in told


@pytest.mark.parametrize("wrong", [{"shares": (0.5, 1.0)}, {"shares": (0.5, 0.7, 2)}, {"seeds": 0}])
def test_shares_that_make_no_curve_are_refused(
    wrong, tiny_registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(InvalidSetting):
        learning_curve("tiny", folder=tmp_path, registry=tiny_registry, **wrong)
