"""Which method is chosen, by audits that are made up and by none."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zoo import Explainer, load_registry
from zoo.interpret.choice import AUDIT, AUDITS, best, choose

ABLE = ("gradcam", "saliency", "lime", "shap")


def standing(name: str, lead: float | None, **changes: Any) -> dict[str, Any]:
    """What an audit tells of a method; it is ahead of those that are named in `ahead`."""
    ahead = changes.pop("ahead", ())
    others = {other: {"value": 0.1, "low": -0.1, "high": 0.3} for other in ABLE if other != name}
    return {
        "name": name,
        "control": False,
        "level": "holds up",
        "likeness": 0.1,
        "score": {"value": lead, "low": None, "high": None},
        "over": others | {other: {"value": 0.2, "low": 0.1, "high": 0.3} for other in ahead},
        "seconds": 1.0,
        **changes,
    }


def audit(*standings: dict[str, Any]) -> dict[str, Any]:
    control = {"control": True, "level": "", "likeness": None, "seconds": None}
    rows = [standing("edges", 0.9, **control), *standings]
    return {
        "network": "0123",
        "images": 100,
        "source": "/home/somebody/chest?patients=kermany",
        "standings": rows,
    }


def test_the_highest_lead_over_the_controls_is_chosen() -> None:
    first = standing("lime", 0.3, seconds=9.0, ahead=("gradcam", "saliency"))
    found = best(audit(standing("gradcam", 0.2), first, standing("saliency", 0.1)), ABLE)
    assert found.method == "lime"
    assert found.reason == (
        "lime was chosen by the audit on 100 images of chest: its lead over the controls, +0.300, "
        "is the highest."
    )


def test_of_methods_that_cannot_be_told_apart_the_cheapest_is_chosen() -> None:
    rows = [
        standing("lime", 0.3, seconds=9.0, ahead=("saliency",)),
        standing("shap", 0.29, seconds=4.0),
        standing("gradcam", 0.2, seconds=0.02),
        standing("saliency", 0.1, seconds=0.01),
    ]
    found = best(audit(*rows), ABLE)
    assert found.method == "gradcam"
    assert found.reason.endswith(
        "its lead over the controls, +0.200, cannot be told from the highest, +0.300 of lime, and "
        "it costs less."
    )


def test_methods_of_about_the_same_cost_are_chosen_by_their_lead() -> None:
    rows = [standing("lime", 0.2, seconds=0.01), standing("gradcam", 0.3, seconds=0.04)]
    found = best(audit(*rows), ABLE)
    assert found.method == "gradcam"
    assert "the highest, and of lime, which cannot be told from it, none costs less" in found.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"level": "do not use"},
        {"likeness": 0.7},
        {"likeness": 0.95, "level": "weak"},
    ],
)
def test_what_is_not_to_be_used_is_never_chosen(changes: dict[str, Any]) -> None:
    bad = standing("lime", 0.9, ahead=ABLE, **changes)
    assert best(audit(bad, standing("gradcam", 0.1)), ABLE).method == "gradcam"
    alone = best(audit(bad), ABLE)
    assert alone.method == ""
    assert "no method whose maps may be used" in alone.reason


def test_a_weak_method_is_chosen_only_where_none_holds_up() -> None:
    weak = standing("lime", 0.9, level="weak", ahead=ABLE)
    assert best(audit(weak, standing("gradcam", 0.1)), ABLE).method == "gradcam"
    alone = best(audit(weak), ABLE)
    assert alone.method == "lime"
    assert "all are weak at best" in alone.reason


def test_a_method_that_does_not_serve_the_network_or_is_gone_is_not_chosen() -> None:
    first = standing("scorecam", 0.9, ahead=ABLE)
    assert best(audit(first, standing("saliency", 0.1)), ABLE).method == "saliency"


def test_a_method_without_a_score_is_the_last() -> None:
    rows = [standing("lime", None), standing("gradcam", -0.1, ahead=("lime",))]
    assert best(audit(*rows), ABLE).method == "gradcam"


def run_at(path: Path, network: str = "0123") -> Any:
    return SimpleNamespace(path=path, name="a-run", record={"files": {"model.keras": network}})


def keep(path: Path, place: str, content: Any) -> None:
    folder = path / AUDITS / place
    folder.mkdir(parents=True)
    (folder / AUDIT).write_text(content if isinstance(content, str) else json.dumps(content))


CONVOLUTIONS = SimpleNamespace(
    feature_layer=object(), mapped=True, attends=False, differentiable=True
)
DENSE = SimpleNamespace(feature_layer=None, mapped=False, attends=False, differentiable=True)


@pytest.mark.parametrize(("classifier", "method"), [(CONVOLUTIONS, "gradcam"), (DENSE, "saliency")])
def test_without_an_audit_it_is_said_and_how_to_make_one(
    tmp_path: Path, classifier: Any, method: str
) -> None:
    found = choose(run_at(tmp_path), load_registry(), classifier)
    assert found.method == method
    assert "no audit was made of it" in found.reason
    assert "zoo explain --audit a-run" in found.reason


def test_the_audit_of_its_own_data_is_asked_first(tmp_path: Path) -> None:
    keep(tmp_path, "elsewhere", audit(standing("lime", 0.3, ahead=ABLE)))
    registry = load_registry()
    assert choose(run_at(tmp_path), registry, CONVOLUTIONS).method == "lime"
    keep(tmp_path, "own", audit(standing("saliency", 0.3, ahead=ABLE)))
    assert choose(run_at(tmp_path), registry, CONVOLUTIONS).method == "saliency"


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        {"network": "0123", "standings": [{}]},
        {"schema": 1, "standings": []},
        {**audit(standing("lime", 0.3)), "network": "another"},
        {"network": "0123", "standings": 3},
        {"network": "0123", "standings": []},
        {"network": "0123", "standings": [{**standing("lime", 0.3), "score": None}]},
        {"network": "0123", "standings": [{**standing("lime", 0.3), "over": 3}], "images": 1},
    ],
)
def test_an_audit_that_is_damaged_or_of_another_network_is_none(
    tmp_path: Path, content: Any
) -> None:
    keep(tmp_path, "own", content)
    found = choose(run_at(tmp_path), load_registry(), CONVOLUTIONS)
    assert found.method == "gradcam"
    assert "no audit was made of it" in found.reason


def test_a_method_of_a_plugin_can_be_chosen(tmp_path: Path) -> None:
    from dataclasses import replace

    registry = load_registry()
    own = Explainer(name="own", summary="", explain=lambda *_: [])
    registry = replace(registry, explainers={**registry.explainers, "own": own})
    keep(tmp_path, "own", audit(standing("own", 0.3, ahead=ABLE)))
    assert choose(run_at(tmp_path), registry, CONVOLUTIONS).method == "own"
