"""A stranger's method that lies is left out, by its name, wherever methods are asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import zoo
from zoo import Attribution, Explainer, Registry, ZooError, hookimpl
from zoo.interpret.case import Case
from zoo.interpret.interpreter import Interpreter
from zoo.report.cases.index import Entry
from zoo.runs.run_folder import Run, open_run
from zoo.web.app.reading import Reading
from zoo.web.service.engine import Engine
from zoo.web.service.limits import Limits
from zoo.web.service.uploads import Upload

SENTENCE = "The method 'liar' of the plugin 'strangers' is left out: it "


def bright(name: str, sign: int = 1) -> Callable[..., Any]:
    def explain(classifier: Any, images: Any, targets: Any, reference: Any) -> Any:
        return [
            Attribution(name, target, sign * pixels.mean(axis=-1, dtype=np.float32))
            for target, pixels in zip(targets, images.pixels, strict=True)
        ]

    return explain


def only_at_first() -> Any:
    """Make a method that works where it is shown, and fails where it is judged: asked again."""
    asked: list[str] = []

    def explain(classifier: Any, images: Any, targets: Any, reference: Any) -> Any:
        if asked:
            raise RuntimeError("no copies")
        asked.append("once")
        return bright("liar")(classifier, images, targets, reference)

    return explain


def strangers(explain: Callable[..., Any], honest: bool = True) -> Registry:
    """Return two methods of a stranger's plugin, both shown by default, and no others."""
    plugin = ModuleType("strangers")

    def zoo_explainers() -> list[Explainer]:
        methods = [Explainer(name="liar", summary="", explain=explain, default=True)]
        if honest:
            good = Explainer(name="bright", summary="", explain=bright("bright"), default=True)
            methods.append(good)
        return methods

    plugin.zoo_explainers = hookimpl(zoo_explainers)  # type: ignore[attr-defined]
    found = zoo.load_registry(plugin)
    assert not found.broken
    kept = {name: one for name, one in found.explainers.items() if "strangers" in one.origin}
    return Registry(found.architectures, kept, found.readers, found.origins, found.broken)


@pytest.fixture
def run(run_copy: Path) -> Run:
    return open_run(run_copy)


def test_a_case_has_the_others_and_a_note(run: Run, picture: Callable[..., Path]) -> None:
    (case,) = zoo.explain(
        [picture("a.png")], run, registry=strangers(bright("liar", -1)), trust=False
    )
    assert isinstance(case, Case)
    assert [one.method for one in case.explanations] == ["bright"]
    assert case.notes[-1].startswith(f"{SENTENCE}gives a map with values from -")


def test_a_folder_of_reports_goes_on(
    run: Run, picture: Callable[..., Path], tmp_path: Path
) -> None:
    paths = [picture(f"{seed}.png", seed) for seed in range(2)]
    made = zoo.explain(
        paths,
        run,
        registry=strangers(bright("liar", -1)),
        trust=False,
        output=tmp_path / "out",
        formats=["html", "json"],
    )
    entries = [one for one in made if isinstance(one, Entry)]
    assert len(entries) == 2
    for entry in entries:
        assert (
            SENTENCE.replace("'", "&#39;") in (tmp_path / "out" / entry.files["html"]).read_text()
        )
        record = json.loads((tmp_path / "out" / entry.files["json"]).read_text())
        assert record["notes"][-1].startswith(SENTENCE)


def test_without_any_other_it_is_an_error(run: Run, picture: Callable[..., Path]) -> None:
    asked = {"registry": strangers(bright("liar", -1)), "trust": False}
    with pytest.raises(ZooError, match=r"^The method 'liar' of the plugin 'strangers'"):
        list(zoo.explain([picture("a.png")], run, methods=["liar"], **asked))  # type: ignore[arg-type]


def test_one_that_fails_while_it_is_judged_is_left_out_too(run: Run) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    shown = zoo.Images(pixels, ("shown",), (None,), ("0" * 16,))
    interpreter = Interpreter(run, registry=strangers(only_at_first()), budget=1)
    (case,) = interpreter.cases(shown)
    assert interpreter.faults == {"liar": f"{SENTENCE}raises RuntimeError: no copies."}
    assert set(case.trust) == {"bright"}
    assert "liar" not in {one.method for one in case.explanations}


def test_an_audit_goes_on_with_the_others(run: Run) -> None:
    for explain in (bright("liar", -1), only_at_first()):
        audit = zoo.audit(run, sample=4, registry=strangers(explain), steps=2)
        assert [one.name for one in audit.standings if not one.control] == ["bright"]
        assert audit.notes[-1].startswith(SENTENCE)


def test_an_overview_goes_on_with_the_others(run: Run) -> None:
    seen = zoo.overview(run, sample=10, registry=strangers(bright("liar", -1)))
    assert set(seen.means.inside) == {"bright"}
    assert SENTENCE in seen.notes.left_out


def test_the_service_and_the_application_say_it(run: Run, picture: Callable[..., Path]) -> None:
    engine = Engine(run, Limits(), strangers(bright("liar", -1)))
    upload = Upload("a.png", picture("a.png").read_bytes(), "0" * 16)
    for _ in range(2):  # the next request begins anew
        (case,) = engine.explain([upload], trust=False)
        assert [note for note in case.notes if note.startswith(SENTENCE)] == [case.notes[-1]]
        assert [one.method for one in case.explanations] == ["bright"]
    reading = Reading(engine.read(upload), 1)
    assert not any(note.startswith(SENTENCE) for note in reading.case.notes)
    reading.add(case)
    reading.add(case)
    assert [note for note in reading.case.notes if note.startswith(SENTENCE)] == [case.notes[-1]]
