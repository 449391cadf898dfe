"""docs/metrics.md names every key of every JSON file that is written, and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo import cells, checking, comparison, experiments, learning_curves, metrics, runs
from zoo.cells import Cell, Outcome
from zoo.outputs import Outputs
from zoo.progress import SILENT
from zoo.registry import Registry
from zoo.runs import Run
from zoo.verification import verify

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
KINDS: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "list": (list,),
    "any": (object,),
}
SOURCE = "phantom?images=40&size=64"

Place = tuple[str, ...]


def tables() -> dict[str, list[tuple[str, str]]]:
    """Read the first two columns of the tables below each heading, by the heading's anchor."""
    found: dict[str, list[tuple[str, str]]] = {}
    anchor = ""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("#"):
            anchor = re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        elif line.startswith("| ") and not line.startswith("| key |"):
            first, second, *_ = (cell.strip() for cell in line.strip("|").split("|"))
            found.setdefault(anchor, []).append((first, second))
    return found


def documented(anchor: str) -> dict[Place, str]:
    """Return the type of each key of a file; parts that several files share are put in."""
    keys: dict[Place, str] = {}
    for first, kind in tables()[anchor]:
        names = re.findall(r"`([^`]+)`", first)
        if shared := re.search(r"all of \[.+?\]\(#(.+?)\)", first):
            start = placed(names[0]) if names else ()
            keys |= {start + key: own for key, own in documented(shared[1]).items()}
            continue
        inner = re.search(r"\(#(.+?)\)", kind)
        for name in names:
            place = placed(name)
            if not inner:
                keys[place] = kind
                continue
            if kind.startswith("list of"):
                place = (*place[:-1], f"{place[-1]}[]")
            if kind.endswith("or null"):
                keys[place] = "null"
            keys |= {place + key: own for key, own in documented(inner[1]).items()}
    return keys


def placed(name: str) -> Place:
    return tuple(name.split("."))


def written(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield every key of plain data, down to what is neither an object nor a list of them."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from written(inner, (*place, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for item in value:
            yield from written(item, (*place[:-1], f"{place[-1]}[]"))
    else:
        yield place, value


def fits(place: Place, pattern: Place) -> bool:
    """Tell whether a key is the documented one; a word in capitals stands for any name."""
    return len(place) == len(pattern) and all(
        own == wanted or wanted.isupper() for own, wanted in zip(place, pattern, strict=True)
    )


def begins(pattern: Place, place: Place) -> bool:
    """Tell whether the documented key lies in the object, or the list of objects, at a place."""
    start = pattern[: len(place)]
    return len(pattern) > len(place) and fits(place, (*start[:-1], start[-1].removesuffix("[]")))


def allowed(value: Any, kind: str) -> bool:
    if value is None:
        return kind == "null" or kind.endswith("or null") or kind == "any"
    of = kind.split()[0]
    if of == "null":
        return False
    if of in ("int", "float") and isinstance(value, bool):
        return False
    return isinstance(value, KINDS[of])


def undocumented(content: Any, keys: Mapping[Place, str]) -> set[str]:
    """Return the keys that are not on the page, or have a value of another type."""
    wrong = set()
    for place, value in written(content):
        if any(fits(place, pattern) and allowed(value, kind) for pattern, kind in keys.items()):
            continue
        empty = value in (None, {}, [])
        inside = empty and any(begins(pattern, place) for pattern in keys)
        if not inside:
            wrong.add(f"{'.'.join(place)} = {value!r:.60}")
    return wrong


def unwritten(contents: list[Any], keys: Mapping[Place, str]) -> set[str]:
    """Return the keys on the page that none of the files has."""
    seen = [place for content in contents for place, _ in written(content)]
    return {
        ".".join(pattern)
        for pattern, kind in keys.items()
        if kind != "null" and not any(fits(place, pattern) for place in seen)
    }


def stored(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def answers(seed: int, strength: float, images: int = 60) -> Outputs:
    labels = np.arange(images) % 2
    noise = np.random.default_rng(seed).normal(size=(images, 2))
    return Outputs(
        (noise + strength * np.eye(2)[labels]).astype(np.float32),
        labels,
        np.array([f"p{i // 2}" for i in range(images)]),
        np.array([f"i{i}" for i in range(images)]),
    )


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings are not run: their answers are made up, better ones for larger shares."""

    def read(cell: Cell, folder: Path) -> Outcome:
        part = answers(cell.seed + 10 * cell.fold, strength=2 * cell.share)
        summary = {
            "temperature": 1.0, "operating_point": {"threshold": 0.5}, "seconds": 1.0,
            "parameters": {"total": 2, "trainable": 1}, "train": {"roc_auc": 0.9},
            "sizes": {"train": {"images": round(100 * cell.share), "patients": 10}},
        }  # fmt: skip
        return Outcome(cell, part, part, summary)

    monkeypatch.setattr(experiments, "train_all", lambda *args, **more: None)
    monkeypatch.setattr(cells, "read", read)


def test_the_page_gives_the_schema_numbers_of_the_program() -> None:
    rows = [row.split("|") for row in PAGE.read_text("utf-8").splitlines() if row[:3] == "| ["]
    numbers = {re.findall(r"\(#(.+?)\)", row[1])[0]: row[4].strip() for row in rows}
    assert numbers == {
        "runjson": str(runs.SCHEMA),
        "metricsjson-of-a-run": str(runs.SCHEMA),
        "metricsjson-of-an-evaluation": str(metrics.SCHEMA),
        "checkjson": str(checking.SCHEMA),
        "comparisonjson": str(comparison.SCHEMA),
        "learning-curve-namejson": str(learning_curves.SCHEMA),
        "celljson": "none",
    }


def test_a_run(trained: Run) -> None:
    record, scores = stored(trained.path / runs.RECORD), stored(trained.path / runs.METRICS)
    record["findings"] = [finding()]
    record["alarms"] = [{"kind": "shift", "message": "It fell.", "remedy": "Look."}]
    for content, keys in (
        (record, documented("runjson")),
        (scores, documented("metricsjson-of-a-run")),
    ):
        assert undocumented(content, keys) == set()
        assert unwritten([content], keys) == set()


def finding() -> dict[str, Any]:
    from zoo.checks.findings import NOTE, Finding

    return json.loads(json.dumps(vars(Finding(NOTE, "kind", "It is.", "Do.", ("a",), (("a",),)))))


def test_an_evaluation(trained: Run, tiny_registry: Registry) -> None:
    from zoo.evaluation import evaluate

    done = evaluate(
        trained, "phantom?images=40&size=64&seed=9", prevalence=0.1, registry=tiny_registry
    )
    content, keys = stored(done.folder / "metrics.json"), documented("metricsjson-of-an-evaluation")
    assert undocumented(content, keys) == set()
    assert unwritten([content], keys) == set()


def test_a_check(class_folders: Path, picture: Callable[..., Path]) -> None:
    from zoo import registry
    from zoo.report.check_page import DATA, write

    installed = registry.load()
    without_network = replace(
        installed,
        architectures={n: a for n, a in installed.architectures.items() if not a.pretrained},
    )
    picture("data/NORMAL/copy.png", seed=0)
    checked = checking.check(
        str(class_folders), other="phantom?images=20&size=64", registry=without_network
    )
    folder = write(checked, class_folders.parent / "check").parent
    content, keys = stored(folder / DATA), documented("checkjson")
    assert undocumented(content, keys) == set()
    assert unwritten([content], keys) == set()


@pytest.mark.usefixtures("made_up")
def test_a_comparison(tiny_registry: Registry, tmp_path: Path) -> None:
    done = comparison.compare(
        ["tiny", "scratch"], SOURCE, folds=2, folder=tmp_path, registry=tiny_registry
    )
    content, keys = stored(done.page.parent / "comparison.json"), documented("comparisonjson")
    assert undocumented(content, keys) == set()
    assert unwritten([content], keys) == set()


@pytest.mark.usefixtures("made_up")
def test_a_learning_curve(tiny_registry: Registry, tmp_path: Path) -> None:
    done = learning_curves.learning_curve(
        "tiny", SOURCE, seeds=2, folder=tmp_path, registry=tiny_registry
    )
    content = stored(done.page.parent / "learning-curve-tiny.json")
    keys = documented("learning-curve-namejson")
    assert undocumented(content, keys) == set()
    assert unwritten([content], keys) == set()


def test_a_cell(tiny_registry: Registry, tmp_path: Path) -> None:
    verified = verify(tiny_registry.dataset(SOURCE), skip_broken=False, progress=SILENT)
    cell = Cell(
        architecture="tiny", source=SOURCE, settings=(("epochs", 1),), input_shape=(32, 32, 3),
        folds=2,
    )  # fmt: skip
    name = cells.train(cell, tmp_path, opened=(tiny_registry, verified))
    content, keys = stored(tmp_path / name / cells.SUMMARY), documented("celljson")
    content["alarms"] = [{"kind": "shift", "message": "It fell.", "remedy": "Look."}]
    assert undocumented(content, keys) == set()
    assert unwritten([content], keys) == set()


def test_a_key_that_is_not_on_the_page_is_found() -> None:
    keys = documented("scores")
    assert undocumented({"metrics": {"roc_auc": {"width": 1.0}}}, keys)
    assert undocumented({"images": "many"}, keys)
    assert undocumented({"new": None}, keys)
    assert "classes[].support" in unwritten([{"images": 3}], keys)
