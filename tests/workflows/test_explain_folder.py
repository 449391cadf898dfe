"""Folders of reports: every image once, resumed, indexed, in one process or several."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import zoo
from zoo import BadInput, InvalidSetting, Option, UnknownName
from zoo.base import registry
from zoo.base.progress import Silent
from zoo.data.queries import Skipped
from zoo.report.cases import casebook
from zoo.report.cases.index import Entry
from zoo.report.cases.stems import _free
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.workflows.explain_folder import ExplanationJob, explain_folder


@pytest.fixture
def order(trained):
    return ExplanationJob(
        run=trained.path, methods=("gradcam", "examples"), trust=False, formats=("json",)
    )


@pytest.fixture
def folder(picture, tmp_path):
    for number in range(3):
        picture(f"images/{number}.png", seed=number)
    return tmp_path / "images"


def explained(folder, order, output, **settings):
    return [
        result.name
        for result in explain_folder([folder], order, output, **settings)
        if isinstance(result, Entry)
    ]


def test_every_format_is_written_and_what_is_drawn_is_in_the_json(picture, order, tmp_path):
    image, output = picture("one.png"), tmp_path / "out"
    results = list(explain_folder([image], replace(order, formats=casebook.FORMATS), output))
    assert [type(result).__name__ for result in results] == ["Case", "Entry"]
    case, entry = results
    assert set(entry.files) == {"html", "png", "pdf", "json"}
    assert (output / "one.pdf").read_bytes().startswith(b"%PDF")
    assert (output / "one.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((output / "one.json").read_text("utf-8"))
    assert record["predicted"] == case.class_names[case.predicted]
    assert record["probabilities"] == pytest.approx(
        dict(zip(case.class_names, case.probabilities, strict=True))
    )
    with np.load(output / record["arrays"]) as arrays:
        assert (arrays[record["maps"][0]["array"]] == case.attributions[0].values).all()
        assert (arrays[record["pixels"]] == case.pixels).all()
    groups = record["examples"][0]["groups"]
    assert groups[0]["cases"][0]["name"] in case.reference.names


def test_what_was_explained_before_is_kept_and_what_changed_is_not(
    folder, order, picture, tmp_path
):
    output = tmp_path / "out"
    assert explained(folder, order, output) == ["0.png", "1.png", "2.png"]
    written = {path: path.stat().st_mtime_ns for path in output.glob("*.json")}
    picture("images/1.png", seed=9)
    (output / "2.json").unlink()
    assert sorted(explained(folder, order, output)) == ["0.png", "1.png", "2.png"]
    assert (output / "0.json").stat().st_mtime_ns == written[output / "0.json"]
    assert (output / "1.json").stat().st_mtime_ns != written[output / "1.json"]
    assert len(casebook.entries(output)) == 3


def test_other_settings_are_another_order(order, trained):
    found = registry.load_registry()
    keys = {
        changed.key(trained, found)
        for changed in (order, replace(order, target="NORMAL"), replace(order, trust=True))
    }
    assert len(keys) == 3
    assert order.key(trained, found) == replace(order).key(trained, found)


def test_another_method_of_that_name_or_another_threshold_is_another_order(order, trained):
    found = registry.load_registry()
    method = found.explainer("gradcam")

    def key(run, **changes):
        changed = {**found.explainers, "gradcam": replace(method, **changes)}
        return order.key(run, replace(found, explainers=changed))

    moved = {**trained.record["operating_point"], "threshold": 0.9}
    again = Run(trained.path, {**trained.record, "operating_point": moved})
    keys = [
        key(trained),
        key(trained, origin="xray-zoo:gradcam 9.9"),
        key(trained, options={"layer": Option("last", "which one")}),
        key(again),
    ]
    assert len(set(keys)) == 4
    assert key(trained, summary="Otherwise said.") == keys[0]


def test_methods_that_became_the_default_are_another_order(order, trained):
    found = registry.load_registry()
    unnamed = replace(order, methods=())
    fewer = {name: e for name, e in found.explainers.items() if name != "gradcam"}
    assert unnamed.key(trained, found) != unnamed.key(trained, replace(found, explainers=fewer))


def test_an_image_whose_mask_changed_is_explained_again(folder, order, picture, tmp_path):
    for number in range(2):
        picture(f"masks/{number}.png", seed=10 + number)
    order, output = replace(order, masks=tmp_path / "masks"), tmp_path / "out"
    explained(folder, order, output)
    written = {path.name: path.stat().st_mtime_ns for path in output.glob("*.json")}
    picture("masks/1.png", seed=20)
    assert len(explained(folder, order, output)) == 3
    after = {path.name: path.stat().st_mtime_ns for path in output.glob("*.json")}
    assert {name for name in after if after[name] != written[name]} == {"1.json"}


def test_the_public_function_gives_cases_and_with_a_folder_the_same_reports(
    folder, order, trained, tmp_path
):
    asked = {"methods": order.methods, "trust": False, "formats": order.formats}
    cases = list(zoo.explain([folder], trained, **asked))
    assert [case.name for case in cases] == ["0.png", "1.png", "2.png"]
    assert not list(tmp_path.glob("*.json"))
    output = tmp_path / "out"
    reported = list(zoo.explain([folder], trained, output=output, **asked))
    assert [type(result).__name__ for result in reported] == ["Case", "Entry"] * 3
    for case, again in zip(cases, reported[::2], strict=True):
        assert case.probabilities == pytest.approx(again.probabilities)
    kept = list(zoo.explain([folder], trained, output=output, **asked))
    assert kept == reported[1::2]
    assert explained(folder, order, output) == ["0.png", "1.png", "2.png"]


def test_workers_without_a_folder_are_refused(folder, trained):
    with pytest.raises(InvalidSetting, match="without a folder"):
        zoo.explain([folder], trained, jobs=2)


def test_masks_of_other_images_are_refused(folder, trained, picture, tmp_path):
    picture("masks/other.png")
    with pytest.raises(BadInput, match="has the name of an image"):
        list(zoo.explain([folder], trained, masks=tmp_path / "masks"))


def test_a_line_that_was_half_written_is_made_good(folder, order, tmp_path):
    output = tmp_path / "out"
    explained(folder, order, output)
    log = output / casebook.LOG
    log.write_bytes(log.read_bytes()[:-40])
    assert len(casebook.entries(output)) == 2
    explained(folder, order, output)
    assert [entry.name for entry in casebook.entries(output)] == ["0.png", "1.png", "2.png"]


@pytest.mark.slow
def test_workers_write_the_same_reports(folder, order, tmp_path):
    explained(folder, order, tmp_path / "here")
    assert sorted(explained(folder, order, tmp_path / "there", jobs=2)) == [
        "0.png",
        "1.png",
        "2.png",
    ]
    for number in range(3):
        here, there = (
            json.loads((tmp_path / place / f"{number}.json").read_text("utf-8"))
            for place in ("here", "there")
        )
        assert here["answer"] == there["answer"]
        assert here["probabilities"] == pytest.approx(there["probabilities"], abs=1e-5)


def test_images_of_the_same_name_get_files_of_their_own(picture, order, tmp_path):
    first, second = picture("a/x.png", seed=1), picture("b/x.png", seed=2)
    entries = [
        e for e in explain_folder([first, second], order, tmp_path / "out") if isinstance(e, Entry)
    ]
    assert [entry.files["json"] for entry in entries] == ["x.json", "x-2.json"]


def test_a_broken_image_is_skipped_among_others(folder, order, tmp_path):
    (folder / "broken.png").write_bytes(b"not a picture")
    results = list(explain_folder([folder], order, tmp_path / "out"))
    assert [r.name for r in results if isinstance(r, Skipped)] == [str(folder / "broken.png")]
    assert len(casebook.entries(tmp_path / "out")) == 3


def test_only_broken_images_are_an_error(order, tmp_path):
    (tmp_path / "images").mkdir()
    for name in "ab":
        (tmp_path / f"images/{name}.png").write_bytes(b"not a picture")
    with pytest.raises(BadInput, match="None of the 2"):
        list(explain_folder([tmp_path / "images"], order, tmp_path / "out"))
    with pytest.raises(BadInput, match="not an image"):
        list(explain_folder([tmp_path / "images/a.png"], order, tmp_path / "out"))


def test_an_unknown_format_class_or_method_is_refused(folder, order, tmp_path):
    with pytest.raises(InvalidSetting, match="docx"):
        list(explain_folder([folder], replace(order, formats=("docx",)), tmp_path / "out"))
    with pytest.raises(UnknownName, match="PNEUMONIAA"):
        list(explain_folder([folder], replace(order, target="PNEUMONIAA"), tmp_path / "out"))
    with pytest.raises(UnknownName, match="gradcamm"):
        list(explain_folder([folder], replace(order, methods=("gradcamm",)), tmp_path / "out"))


def test_the_index_lists_answers_and_links(folder, order, tmp_path):
    output = tmp_path / "out"
    explained(folder, order, output)
    page = (output / casebook.INDEX).read_text("utf-8")
    for number in range(3):
        assert f'href="{number}.json"' in page
    assert page.count("<script>") == 1
    assert "script-src 'sha256-" in page
    assert "not a medical device" in page.lower()


def test_names_for_many_images_of_one_name_are_not_looked_for_from_the_start():
    class Counting(dict):
        asked = 0

        def __contains__(self, name):
            Counting.asked += 1
            return super().__contains__(name)

    taken = Counting({"index": 1, "x-3": 1})
    names = [_free("x", taken, lambda stem: True) for _ in range(500)]
    assert names[:4] == ["x", "x-2", "x-4", "x-5"]
    assert len(set(names)) == 500
    assert Counting.asked < 3 * 500
    assert _free("index", taken, lambda stem: True) == "index-2", (
        "a report is never written over the index"
    )


def kept_audit(run, method):
    """Leave in a run's folder an audit that a method won, as far as a choice needs it."""
    measured = {"value": 0.2, "low": 0.1, "high": 0.3}
    own = {
        "name": method,
        "control": False,
        "level": "holds up",
        "likeness": 0.1,
        "score": measured,
        "over": {},
        "seconds": 1.0,
    }
    audit = {
        "network": run.record["files"]["model.keras"],
        "images": 40,
        "source": "phantom",
        "standings": [own],
    }
    (run.path / "audit" / "own").mkdir(parents=True, exist_ok=True)
    (run.path / "audit" / "own" / "audit.json").write_text(json.dumps(audit), "utf-8")


def test_the_method_that_the_audit_chose_comes_first_and_says_so(picture, run_copy, tmp_path):
    run, image, output = run_folder.read(run_copy), picture("one.png"), tmp_path / "out"
    order = ExplanationJob(run=run_copy, methods=("saliency", "auto"), trust=False)
    order = replace(order, formats=("json", "html", "png"))
    case, first = explain_folder([image], order, output)
    assert [one.method for one in case.attributions] == ["gradcam", "saliency"]
    assert "no audit was made" in case.chosen
    kept_audit(run, "smoothgrad")
    case, second = explain_folder([image], order, output)
    assert first.key != second.key, "an audit may choose another method"
    assert [one.method for one in case.attributions] == ["smoothgrad", "saliency"]
    assert case.chosen.startswith("smoothgrad was chosen by the audit on 40 images of phantom")
    (pair,) = case.agreements
    assert pair.methods == ("smoothgrad", "saliency")
    record = json.loads((output / "one.json").read_text("utf-8"))
    assert record["chosen"] == case.chosen
    assert record["agreement"][0]["overlap"] == pair.overlap
    page = (output / "one.html").read_text("utf-8")
    assert case.chosen in page
    assert "smoothgrad and saliency mark" in page


def test_where_the_audit_found_no_method_no_map_is_shown(picture, run_copy, tmp_path):
    run = run_folder.read(run_copy)
    kept_audit(run, "a method that is gone")
    order = ExplanationJob(run=run_copy, methods=("auto",), formats=("html", "png"))
    case, _ = explain_folder([picture("one.png")], order, tmp_path / "out")
    assert case.explanations == ()
    assert "no method whose maps may be used" in case.chosen
    assert case.chosen in (tmp_path / "out" / "one.html").read_text("utf-8")


def test_an_image_is_never_written_over_by_its_own_panel(picture, order, tmp_path):
    image = picture("images/0.png")
    folder, before = image.parent, image.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(folder)
    for output, kind in ((folder, "json"), (link, "png")):
        again = replace(order, formats=(kind,))
        assert explained(folder, again, output) == ["0.png"]
    assert image.read_bytes() == before
    assert (folder / "0-2.png").is_file()


def test_what_another_wrote_into_the_folder_stays(folder, order, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    (output / "0.json").write_text("notes of mine", "utf-8")
    explained(folder, order, output)
    assert (output / "0.json").read_text("utf-8") == "notes of mine"
    assert (output / "0-2.json").is_file()
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("a page of mine", "utf-8")
    with pytest.raises(InvalidSetting, match=r"index\.html that is not of explained images"):
        explained(folder, order, tmp_path / "site")


def test_images_of_one_relative_path_have_reports_of_their_own(
    picture, order, tmp_path, monkeypatch
):
    output = tmp_path / "out"
    for seed, place in enumerate("ab"):
        picture(f"{place}/x.png", seed=seed)
        monkeypatch.chdir(tmp_path / place)
        list(explain_folder(["x.png", "./x.png", "../" + place, "x.png"], order, output))
    names = [(entry.path, entry.stem) for entry in casebook.entries(output)]
    assert names == [(str(tmp_path / "a/x.png"), "x"), (str(tmp_path / "b/x.png"), "x-2")]


def test_two_that_begin_together_take_other_names(order, picture, tmp_path):
    first, second = picture("a/x.png", seed=1), picture("b/x.png", seed=2)
    works = [explain_folder([one], order, tmp_path / "out") for one in (first, second)]
    begun = [next(work) for work in works]
    assert [type(one).__name__ for one in begun] == ["Case", "Case"]
    written = [[one.stem for one in work] for work in works]
    assert written == [["x"], ["x-2"]]


def test_a_report_that_was_not_finished_keeps_its_name(order, picture, tmp_path, monkeypatch):
    def killed(folder, entry):
        raise KeyboardInterrupt

    image, output = picture("x.png"), tmp_path / "out"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(casebook, "append", killed)
        list(explain_folder([image], order, output))
    assert (output / "x.json").is_file()
    _, entry = explain_folder([image], order, output)
    assert entry.stem == "x"


def test_pictures_of_reports_are_not_explained_unless_they_are_named(picture, order):
    folder, noted = picture("images/0.png").parent, []
    output, order = folder / "reports", replace(order, formats=("png",))
    explained(folder, order, output)
    assert explained(folder, order, output, progress=Noting(noted)) == ["0.png"]
    assert any("Left out: 1 pictures of reports" in note for note in noted)
    with pytest.raises(BadInput, match="All that was named are pictures of reports"):
        explained(output, order, output)
    results = list(explain_folder([output / "0.png"], order, output))
    assert [one.stem for one in results if isinstance(one, Entry)] == ["0-2"]


class Noting(Silent):
    def __init__(self, noted):
        self.noted = noted

    def note(self, text):
        self.noted.append(text)
