"""docs/metrics.md names every key of every file of numbers that is written, and no other."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zoo import DISCLAIMER, Attribution, Explainer, Images, Option
from zoo.base.progress import SILENT
from zoo.base.registry import Registry
from zoo.cli import main
from zoo.data.verify import verify
from zoo.interpret.overview import result
from zoo.interpret.trust import ranking as audits
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.stats import metrics
from zoo.stats.labelled_logits import LabelledLogits
from zoo.training import cells
from zoo.training.cells import Cell, CellResult
from zoo.workflows import (
    check,
    collected_data,
    collected_table,
    compare,
    experiments,
    learning_curve,
    stress,
    tune,
)
from zoo.workflows import overview as overviews

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
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


def agree(content: Any, anchor: str) -> None:
    """Compare what was written with the page, in both directions."""
    keys = documented(anchor)
    assert undocumented(content, keys) == set()
    assert unwritten([content], keys) == set()


def arrays_agree(arrays: Mapping[str, np.ndarray], anchor: str) -> None:
    """Compare names, types and numbers of axes; of several names that fit, the first counts."""
    keys = {
        name: kind for first, kind in tables()[anchor] for name in re.findall(r"`([^`]+)`", first)
    }
    used = set()
    for name, array in arrays.items():
        fitting = [key for key in keys if re.fullmatch(re.sub("[A-Z]{2,}", ".+", key), name)]
        assert fitting, f"{name} is not on the page"
        kind, axes = keys[fitting[0]].rstrip(")").split(" (")
        assert kind == ("str" if array.dtype.kind == "U" else array.dtype.name), name
        assert len(axes.split(",")) == array.ndim, name
        used.add(fitting[0])
    assert used == keys.keys()


def stored(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def answers(seed: int, strength: float, images: int = 60) -> LabelledLogits:
    labels = np.arange(images) % 2
    noise = np.random.default_rng(seed).normal(size=(images, 2))
    return LabelledLogits(
        (noise + strength * np.eye(2)[labels]).astype(np.float32),
        labels,
        np.array([f"p{i // 2}" for i in range(images)]),
        np.array([f"i{i}" for i in range(images)]),
    )


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings are not run: their answers are made up, better ones for larger shares."""

    def read(cell: Cell, folder: Path) -> CellResult:
        part = answers(cell.seed + 10 * cell.fold, strength=2 * cell.share)
        summary = {
            "temperature": 1.0,
            "operating_point": {"threshold": 0.5},
            "seconds": 1.0,
            "parameters": {"total": 2, "trainable": 1},
            "train": {"roc_auc": 0.9},
            "sizes": {"train": {"images": round(100 * cell.share), "patients": 10}},
            "unused_phases": [],
        }
        return CellResult(cell, part, part, summary)

    monkeypatch.setattr(experiments, "train_all", lambda *args, **more: None)
    monkeypatch.setattr(cells, "read_cell", read)
    monkeypatch.setattr(cells, "is_done", lambda *_: True)


def test_the_page_gives_the_schema_numbers_of_the_program() -> None:
    rows = [row.split("|") for row in PAGE.read_text("utf-8").splitlines() if row[:3] == "| ["]
    numbers = {re.findall(r"\(#(.+?)\)", row[1])[0]: row[4].strip() for row in rows}
    assert numbers == {
        "runjson": str(run_folder.SCHEMA),
        "metricsjson-of-a-run": str(run_folder.SCHEMA),
        "metricsjson-of-an-evaluation": str(metrics.SCHEMA),
        "stressjson": str(stress.SCHEMA),
        "checkjson": str(check.SCHEMA),
        "comparisonjson": str(compare.SCHEMA),
        "learning-curvejson": str(learning_curve.SCHEMA),
        "tuningjson": str(tune.SCHEMA),
        "celljson": "none",
        "imagejson": "none",
        "casesjsonl": "none",
        "methodjson": "none",
        "auditjson": str(audits.SCHEMA),
        "globaljson": str(result.SCHEMA),
        "cardjson": "none",
        "trackingjson": "none",
        "audit-log": "none",
        "idjson": "none",
        "setjson": str(collected_data.SCHEMA),
    }


def test_a_run(trained: Run) -> None:
    record, scores = (
        stored(trained.path / run_folder.RECORD),
        stored(trained.path / run_folder.METRICS),
    )
    record["findings"] = [finding()]
    record["alarms"] = [{"kind": "shift", "message": "It fell.", "remedy": "Look."}]
    agree(record, "runjson")
    agree(scores, "metricsjson-of-a-run")


@pytest.mark.slow
def test_an_ensemble_has_no_other_keys(
    trained: Run, tiny_registry: Registry, tmp_path: Path
) -> None:
    from zoo.workflows.ensemble import ensemble

    joined = ensemble([trained], shifts=True, folder=tmp_path, registry=tiny_registry)
    record = stored(joined.path / run_folder.RECORD)
    assert undocumented(record, documented("runjson")) == set()
    agree(stored(joined.path / run_folder.METRICS), "metricsjson-of-a-run")
    told = PAGE.read_text("utf-8").partition("those of an ensemble are ")[2].splitlines()[0]
    assert all(f"`{name}`" in told for name in record["options"])


def finding() -> dict[str, Any]:
    from zoo.checks.findings import NOTE, Finding

    return json.loads(json.dumps(vars(Finding(NOTE, "kind", "It is.", "Do.", ("a",), (("a",),)))))


@pytest.mark.slow
def test_an_evaluation(trained: Run, tiny_registry: Registry) -> None:
    from zoo.workflows.evaluate import evaluate

    done = evaluate(
        trained,
        "phantom?images=150&size=64&seed=9",
        prevalence=0.1,
        by=("marker", "contrast", "prefix"),
        registry=tiny_registry,
    )
    content = stored(done.folder / "metrics.json")
    assert [found["column"] for found in content["groups"]] == ["marker", "contrast", "prefix"]
    content["groups"][0]["behind"] = [
        {"metric": "roc_auc", "group": "left", "ahead": "none", "sentence": "It falls behind."}
    ]
    agree(content, "metricsjson-of-an-evaluation")


def test_a_stress_test(run_copy: Path, tiny_registry: Registry) -> None:
    done = stress.stress(run_folder.read(run_copy), images=12, registry=tiny_registry)
    agree(stored(done.folder / run_folder.STRESS), "stressjson")


def test_a_check(class_folders: Path, picture: Callable[..., Path]) -> None:
    from zoo.base import registry
    from zoo.report.pages.check import DATA, write_check

    installed = registry.load_registry()
    without_network = replace(
        installed,
        architectures={n: a for n, a in installed.architectures.items() if not a.pretrained},
    )
    picture("data/NORMAL/copy.png", seed=0)
    checked = check.check(
        str(class_folders), other="phantom?images=20&size=64", registry=without_network
    )
    folder = write_check(checked, class_folders.parent / "check").parent
    agree(stored(folder / DATA), "checkjson")


@pytest.mark.usefixtures("made_up")
def test_a_comparison(tiny_registry: Registry, tmp_path: Path) -> None:
    done = compare.compare(
        ["tiny", "scratch"], SOURCE, folds=2, budget=60, folder=tmp_path, registry=tiny_registry
    )
    content = stored(done.page.parent / "comparison.json")
    gap = {"value": -0.1, "low": -0.2, "high": -0.01}
    content["left_out"] = [{"name": "other", "reason": "It has no weights."}]
    content["stopped"] = [
        {
            "name": "scratch",
            "reason": "worse",
            "trainings": 1,
            "planned": 2,
            "seconds": 1.0,
            "roc_auc": content["entries"][0]["roc_auc"],
            "leader": "tiny",
            "difference": gap,
            "p": 0.001,
            "sentence": "It was stopped.",
        }
    ]
    agree(content, "comparisonjson")


@pytest.mark.usefixtures("made_up")
def test_a_learning_curve(tiny_registry: Registry, tmp_path: Path) -> None:
    given = {"folder": tmp_path, "registry": tiny_registry}
    done = learning_curve.learning_curve("tiny", SOURCE, seeds=2, **given)
    agree(stored(done.page.parent / "learning-curve.json"), "learning-curvejson")


@pytest.mark.usefixtures("made_up")
def test_a_tuning(tiny_registry: Registry, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    done = tune.tune(
        "tiny",
        SOURCE,
        trials=2,
        folds=2,
        search=["learning_rate=1e-4..1e-2"],
        changes={"epochs": 1},
        folder=tmp_path,
        registry=tiny_registry,
    )
    content = stored(done.page.parent / "tuning.json")
    area = content["best"]["roc_auc"]
    content["gain"] = {"measured": area, "corrected": area}
    content["best"]["settings"] = content["trials"][1]["settings"]
    agree(content, "tuningjson")


def test_a_cell(tiny_registry: Registry, tmp_path: Path) -> None:
    verified = verify(tiny_registry.dataset(SOURCE), skip_broken=False, progress=SILENT)
    cell = Cell(
        architecture="tiny",
        source=SOURCE,
        settings=(("epochs", 1),),
        input_shape=(32, 32, 3),
        folds=2,
    )
    name = cells.train_cell(cell, tmp_path, opened=(tiny_registry, verified))
    content = stored(tmp_path / name / cells.SUMMARY)
    content["alarms"] = [{"kind": "shift", "message": "It fell.", "remedy": "Look."}]
    agree(content, "celljson")


@pytest.fixture(scope="module")
def explainers(tiny_registry: Registry) -> Registry:
    """A method that is done at once and has all that a record may tell of one."""

    def explain(_: Any, images: Images, targets: Any, __: Any, seed: int) -> list[Attribution]:
        maps = images.pixels.mean(axis=3, dtype=np.float32)
        return [
            Attribution("bright", target, own, details={"seed": seed})
            for target, own in zip(targets, maps, strict=True)
        ]

    options = {"seed": Option(0, "changes nothing")}
    method = Explainer(name="bright", summary="What is bright.", explain=explain, options=options)
    return replace(tiny_registry, explainers={**tiny_registry.explainers, "bright": method})


@pytest.fixture(scope="module")
def explained(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that explanations may be added to."""
    path = tmp_path_factory.mktemp("explained") / "run"
    return run_folder.read(Path(shutil.copytree(trained.path, path)))


def test_an_explained_image_its_log_and_what_the_run_keeps(
    explained: Run, explainers: Registry, tmp_path: Path
) -> None:
    from zoo.interpret.interpreter import Interpreter
    from zoo.report.cases import casebook

    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    methods = ("bright", "gradcam", "examples")
    interpreter = Interpreter(explained, methods=methods, registry=explainers)
    [case] = interpreter.cases(Images(pixels, ("a/b.png",), (None,), ("0" * 16,)), labels=[1])
    case = replace(case, notes=("It fell.",))
    files = casebook.write_case(case, tmp_path, "b", ("json",), explained)
    casebook.append(tmp_path, casebook.entry_of(case, "a/b.png", "b", "0" * 16, "f" * 16, files))
    agree(stored(tmp_path / "b.json"), "imagejson")
    with np.load(tmp_path / stored(tmp_path / "b.json")["arrays"]) as arrays:
        arrays_agree(arrays, "imagenpz")
    [line] = (tmp_path / casebook.LOG).read_text("utf-8").splitlines()
    agree(json.loads(line), "casesjsonl")
    agree(stored(explained.path / "trust" / "bright.json"), "methodjson")


def test_an_audit(explained: Run, explainers: Registry) -> None:
    from zoo.workflows.audit import audit

    found = audit(explained, sample=10, methods=("bright", "gradcam"), registry=explainers, steps=4)
    agree(json.loads(json.dumps(found.to_record())), "auditjson")


def test_an_overview(trained: Run, explainers: Registry, tmp_path: Path) -> None:
    from PIL import Image

    lungs = np.zeros((64, 64), np.uint8)
    lungs[16:52, 10:28] = lungs[16:52, 36:54] = 255
    source = "phantom?images=40&size=64&seed=9"
    for sample in explainers.dataset(source).samples:
        Image.fromarray(lungs).save(tmp_path / f"{Path(sample.name).stem}.png")
    found = overviews.overview(
        trained, source, masks=tmp_path, sample=40, methods=("bright",), registry=explainers
    )
    agree(json.loads(json.dumps(found.to_record())), "globaljson")
    arrays_agree(found.arrays(), "globalnpz")


def test_the_card_of_an_export(trained: Run, tmp_path: Path) -> None:
    from zoo.network.export_formats import FORMATS
    from zoo.workflows.export import Exported, card

    done = Exported(tmp_path, "savedmodel", 9, ("logits",), 1e-7, 1e-6, 8, "reference cases")
    agree(json.loads(json.dumps(card(trained, FORMATS["savedmodel"], done))), "cardjson")


def test_a_note_of_where_a_run_is_tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.runs import mlflow_store, tracking

    monkeypatch.setattr(mlflow_store.importlib.util, "find_spec", lambda name: True)
    tracking.keep(tmp_path, mlflow_store.Store(tmp_path), "0" * 32, whole=True)
    agree(stored(tmp_path / tracking.FILE), "trackingjson")


def test_an_audit_log(tmp_path: Path) -> None:
    from zoo.web.service.journal import Journal

    Journal(tmp_path / "log").record("run", [("0" * 16, "NORMAL", 0.75)])
    agree(stored(tmp_path / "log"), "audit-log")


def test_a_training_of_the_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.web.app import processes, trainings

    monkeypatch.setattr(processes, "start", lambda arguments, log: (1, 12.5))
    training = trainings.Trainings(tmp_path).start("tiny", ["train", "tiny"])
    agree(stored(tmp_path / trainings.FOLDER / f"{training.id}.json"), "idjson")


def test_a_data_set_that_was_sent(tmp_path: Path, tiny_registry: Registry) -> None:
    one = collected_data.begin_set(tmp_path, "mine")
    for number in range(4):
        path = one.path / collected_data.IMAGES / "AB"[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((32, 32), 50 * number, np.uint8)).save(path)
    done = collected_data.finish_set(one, tiny_registry)
    name = tiny_registry.dataset(done.source).samples[0].name
    collected_data.change_set(done, name, collected_table.LEAVE_OUT)
    agree(stored(one.path / collected_data.RECORD), "setjson")


def printed(*arguments: str) -> Any:
    """Return what a command prints as JSON."""
    result = CliRunner().invoke(main, [*arguments, "--json"], catch_exceptions=False)
    return json.loads(result.stdout)


def each_agrees(rows: list[Any], anchor: str) -> None:
    """Compare the entries of a list with the page: together they have all that it names."""
    keys = documented(anchor)
    assert rows
    assert undocumented(rows[0], keys) == set()
    assert set().union(*(undocumented(row, keys) for row in rows)) == set()
    assert unwritten(rows, keys) == set()


def test_every_command_with_json_is_on_the_page() -> None:
    def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if isinstance(command, click.Group):
                yield from commands(command, (*path, name))
            if any("--json" in option.opts for option in command.params):
                yield (*path, name)

    files = ("check", "evaluate", "stress", "compare", "runs compare", "tune", "learning-curve")
    as_others = ("import", "ensemble", "runs rm", "runs rename", "runs undo")
    told_elsewhere = {tuple(name.split()) for name in (*files, *as_others)}
    wanted = {f"zoo-{'-'.join(path)}---json" for path in set(commands(main)) - told_elsewhere}
    assert wanted == {anchor for anchor in tables() if anchor.endswith("---json")}


def test_lists_of_what_is_there(trained: Run, tmp_path: Path) -> None:
    listed = printed("list")
    listed["broken"] = [{"name": "a:b", "reason": "It fails."}]
    agree(listed, "zoo-list---json")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / run_folder.RECORD).write_text("{")
    runs, here = printed("runs", "--runs", str(trained.path.parent)), ("--runs", str(tmp_path))
    each_agrees([*runs, *printed("runs", *here)], "zoo-runs---json")
    agree(printed("runs", "rename", "bad", "worse", *here), "zoo-runs-fetch---json")
    each_agrees(printed("runs", "rm", "worse", *here), "zoo-runs-trash---json")
    each_agrees(printed("runs", "trash", *here), "zoo-runs-trash---json")
    agree(printed("runs", "undo", *here), "zoo-runs-fetch---json")
    assert printed("runs", "trash", "--empty", *here) == []
    agree(printed("cache"), "zoo-cache---json")
    each_agrees(printed("data", "list"), "zoo-data-list---json")
    each_agrees(printed("doctor", "--no-self-test"), "zoo-doctor---json")


def test_what_was_written_or_fetched(tmp_path: Path) -> None:
    sampled = printed("sample", str(tmp_path / "drawn"), "--data", SOURCE)
    agree(sampled, "zoo-sample---json")
    assert len([Path(one) for one in sampled["images"] if Path(one).is_file()]) == 4
    made = printed("new-plugin", "wide", "--kind", "explainer", "--folder", str(tmp_path / "wide"))
    agree(made, "zoo-new-plugin---json")
    assert (Path(made["path"]) / "pyproject.toml").is_file()
    (tmp_path / "breastmnist.npz").touch()
    fetched = printed("data", "get", "breastmnist", "--folder", str(tmp_path))
    agree(fetched, "zoo-data-get---json")
    assert fetched["path"] == str(tmp_path / "breastmnist.npz")


def test_a_run_that_was_tracked_and_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.workflows import track_runs

    asked: list[Any] = []

    def tracked(*named: Any, **_: Any) -> str:
        asked.append(named)
        return "0" * 32

    monkeypatch.setattr(track_runs, "track_run", tracked)
    monkeypatch.setattr(track_runs, "fetch_run", lambda *_, **__: run_folder.Run(Path("a/b"), {}))
    sent = printed("runs", "track", "elsewhere/one")
    agree(sent, "zoo-runs-track---json")
    assert (asked, sent["run"]) == ([("elsewhere/one", "mlflow")], "one")
    brought = printed("runs", "fetch", "mlflow:" + "0" * 32)
    agree(brought, "zoo-runs-fetch---json")
    assert (brought["run"], brought["path"]) == ("b", str(Path("a/b")))


def test_an_architecture_and_a_method() -> None:
    agree(printed("show", "scratch"), "zoo-show---json")
    assert undocumented(printed("show", "gradcam"), documented("zoo-show---json")) == set()


def test_a_new_run(trained: Run) -> None:
    from zoo.cli import train

    made = train.record(trained)
    made["alarms"] = [{"kind": "shift", "message": "It fell.", "remedy": "Look."}]
    agree(json.loads(json.dumps(made)), "zoo-train---json")


def test_explained_images(trained: Run, tmp_path: Path, picture: Callable[..., Path]) -> None:
    picture("in/one.png")
    picture("in/two.png", seed=1)
    (tmp_path / "in" / "three.png").write_bytes(b"nothing")
    asked = ("--method", "saliency", "--no-trust", "--output", str(tmp_path / "out"))
    found = printed("explain", str(tmp_path / "in"), "--run", str(trained.path), *asked)
    assert {one["name"] for one in found["cases"]} == {"one.png", "two.png"}
    assert all(Path(file).is_file() for one in found["cases"] for file in one["files"].values())
    found["cases"][0] |= {"agreement": 0.5, "verdicts": {"weak": 1}}
    agree(found, "zoo-explain---json")


def test_who_may_ask_a_server(tmp_path: Path) -> None:
    users = pytest.importorskip("zoo.web.service.users")
    users.add(tmp_path / "users", "ada", "correct horse battery", may_train=True)
    each_agrees(printed("users", "list", str(tmp_path / "users")), "zoo-users-list---json")


def test_predictions(trained: Run, tmp_path: Path, picture: Callable[..., Path]) -> None:
    from zoo.data.arrivals import Arrival
    from zoo.workflows.answer_log import AnswerLog
    from zoo.workflows.incoming import Answered
    from zoo.workflows.predict import Prediction

    picture("in/one.png")
    (tmp_path / "in" / "two.png").write_bytes(b"nothing")
    runs = str(trained.path.parent)
    agree(printed("predict", str(tmp_path / "in"), "--runs", runs), "zoo-predict---json")
    arrival = Arrival("one.png", tmp_path / "in" / "one.png", (9, 1), final=True)
    answer = Prediction("one.png", "NORMAL", "NORMAL", "", "", 1.0, {"NORMAL": 0.9})
    AnswerLog(tmp_path / "log.jsonl", "run", ("NORMAL",)).append(Answered(arrival, answer))
    agree(stored(tmp_path / "log.jsonl"), "zoo-predict---watch---log")


def test_a_diagnosis_an_export_and_the_check_of_a_plugin(trained: Run, tmp_path: Path) -> None:
    from zoo.network.conformance import Verdict
    from zoo.workflows.export import Exported

    found = printed("diagnose", trained.name, "--runs", str(trained.path.parent))
    found["alarms"] = [{"kind": "shift", "message": "It fell.", "remedy": "Look."}]
    agree(found, "zoo-diagnose---json")
    done = Exported(tmp_path, "savedmodel", 9, ("logits",), 1e-7, 1e-6, 8, "reference cases")
    row = {
        **asdict(done),
        "path": str(done.path),
        "disclaimer": DISCLAIMER,
    }  # as zoo.cli.export does
    agree(json.loads(json.dumps(row)), "zoo-export---json")
    each_agrees([vars(Verdict("loads", True, "It does.", "None."))], "zoo-plugin-check---json")


def test_an_array_that_is_not_on_the_page_is_found() -> None:
    image = {"pixels": np.zeros((4, 4, 3), np.uint8)}
    with pytest.raises(AssertionError, match="not on the page"):
        arrays_agree({**image, "mask": np.zeros((4, 4), bool)}, "imagenpz")
    with pytest.raises(AssertionError):
        arrays_agree(image, "imagenpz")


def test_a_key_that_is_not_on_the_page_is_found() -> None:
    keys = documented("scores")
    assert undocumented({"metrics": {"roc_auc": {"width": 1.0}}}, keys)
    assert undocumented({"images": "many"}, keys)
    assert undocumented({"new": None}, keys)
    assert "classes[].support" in unwritten([{"images": 3}], keys)
