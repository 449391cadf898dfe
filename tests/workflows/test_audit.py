"""An audit from a finished run to its files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo import Attribution, Explainer, UnknownName
from zoo.base.registry import Registry
from zoo.interpret.overview import sampling
from zoo.runs import model_file
from zoo.runs.run_folder import LOCALISER, Run, read
from zoo.workflows.audit import audit, write_audit


def knowing(registry: Registry, source: str) -> Registry:
    """Add a method that knows where the opacity is, and one that gives no maps."""
    dataset = registry.dataset(source)
    samples = {sample.name: sample for sample in dataset.samples}
    assert dataset.mask is not None

    def explain(_: Any, images: Any, targets: Any, __: Any) -> list[Attribution]:
        size = images.pixels.shape[1:3]
        masks = [dataset.mask(samples[name], size) for name in images.names]  # type: ignore[misc]
        return [
            Attribution("knowing", target, mask.astype(np.float32))
            for target, mask in zip(targets, masks, strict=True)
        ]

    method = Explainer(name="knowing", summary="Where the opacity is.", explain=explain)
    return replace(registry, explainers={**registry.explainers, "knowing": method})


@pytest.fixture(scope="module")
def found(trained: Run, tiny_registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Any:
    import shutil

    path = tmp_path_factory.mktemp("audited") / "run"
    run = read(Path(shutil.copytree(trained.path, path)))
    registry = knowing(tiny_registry, run.record["data"]["source"])
    methods = ("gradcam", "knowing", "examples")
    return run, audit(run, sample=12, methods=methods, registry=registry, steps=4)


def test_maps_and_controls_are_measured_and_cases_are_not(found: Any) -> None:
    run, result = found
    assert {one.name for one in result.standings if not one.control} == {"gradcam", "knowing"}
    assert {one.name for one in result.standings if one.control} == {
        "random",
        "blurred random",
        "centre",
        "edges",
        "lungs",
    } - ({"lungs"} if not (run.path / LOCALISER).is_file() else set())
    assert (result.images, result.own, result.synthetic) == (12, True, True)
    assert result.run == run.name
    for one in result.standings:
        for test in ("deletion", "insertion", "road"):
            assert 0 <= one.measures[test]["value"] <= 1
        assert one.control == (one.level == "") == (one.likeness is None)
        assert one.control == (one.seconds is None)
        assert set(one.best.values()) <= {"moved", "centre", "edges"}
    named = {one.name: one for one in result.standings}
    lead = named["gradcam"].over["knowing"]["value"]
    assert lead == pytest.approx(-named["knowing"].over["gradcam"]["value"])
    assert lead == pytest.approx(
        named["gradcam"].score["value"] - named["knowing"].score["value"], abs=1e-6
    )


def test_findings_are_compared_with_their_place(found: Any) -> None:
    _, result = found
    assert result.located["all"] == 6, "half of the sample is diseased"
    named = {one.name: one for one in result.standings}
    of_knowing = named["knowing"].located["all"]
    assert of_knowing["pointing"]["value"] == of_knowing["inside"]["value"] == 1
    assert of_knowing["auprc"]["value"] == of_knowing["iou"]["value"] == 1
    sizes = [result.located[size] for size in ("small", "medium", "large")]
    assert sum(sizes) == result.located["all"]
    assert named["random"].located["all"]["auprc"]["value"] < 0.3


def test_stability_is_measured_of_methods_alone(found: Any) -> None:
    _, result = found
    named = {one.name: one for one in result.standings}
    assert named["knowing"].measures["noise"]["value"] == pytest.approx(1)
    assert named["knowing"].measures["repeat"]["value"] is None
    assert named["centre"].measures["noise"]["value"] is None


def test_what_is_written(found: Any, tmp_path: Path) -> None:
    run, result = found
    write_audit(result, tmp_path / "audit", run)
    record = json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert [one["name"] for one in record["standings"]] == [one.name for one in result.standings]
    assert record["schema"] == 2
    assert record["network"] == run.record["files"]["model.keras"]
    assert (tmp_path / "audit" / "ranking.png").read_bytes().startswith(b"\x89PNG")
    assert "gradcam" in (tmp_path / "audit" / "report.html").read_text()


@pytest.mark.parametrize("batch", [0, 1])
def test_lungs_may_be_known_of_one_batch_alone(
    found: Any, tiny_registry: Registry, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    def masks_of(_: Path, chosen: Any, *__: Any, **___: Any) -> Any:
        known = chosen[2 * batch : 2 * batch + 2]
        return lambda sample, size: np.tri(*size, dtype=bool) if sample in known else None

    run, _ = found
    monkeypatch.setattr(sampling, "PREDICTION_BATCH", 2)
    monkeypatch.setattr(model_file, "load_finder", lambda run: None)
    monkeypatch.setattr("zoo.workflows.audit.find_masks", masks_of)
    result = audit(
        run, sample=4, methods=("gradcam",), registry=tiny_registry, masks="masks", steps=2
    )
    assert (result.images, result.lungs) == (4, 2)
    assert "lungs" in {one.name for one in result.standings if one.control}


def test_an_unknown_method_costs_no_time(trained: Run, tiny_registry: Registry) -> None:
    with pytest.raises(UnknownName, match="gradcam"):
        audit(trained, methods=("gradcan",), registry=tiny_registry)
