from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from zoo import DISCLAIMER
from zoo.base.digests import digest_file
from zoo.cli import main
from zoo.runs import run_folder
from zoo.runs.run_folder import Run

Picture = Callable[..., Path]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_list_filters_by_wildcard() -> None:
    result = run("list", "*net")
    assert result.exit_code == 0
    assert "alexnet" in result.stdout
    assert "scratch" not in result.stdout
    assert "gradcam" not in result.stdout


def test_list_filters_by_cost_kind_and_what_is_here() -> None:
    def names(*arguments: str) -> set[str]:
        listed = json.loads(run("list", *arguments, "--json").stdout)
        assert not any(listed[kind] for kind in listed if kind != "architectures")
        return {one["name"] for one in listed["architectures"]}

    everything = names("--kind", "architecture")
    assert {"scratch", "keras:VGG16"} <= everything
    assert names("--max-parameters", "103.81K") == {"scratch"}
    assert names("--max-parameters", "103809") == set()
    assert names("KERAS:dense*", "--max-multiply-adds", "100G") == {
        "keras:DenseNet121",
        "keras:DenseNet169",
        "keras:DenseNet201",
    }
    assert {"alexnet", "efficientnet"} <= names("--offline") <= everything
    methods = json.loads(run("list", "--kind", "method", "--json").stdout)
    assert methods["explainers"]
    assert not methods["architectures"]


def test_list_tells_size_and_cost() -> None:
    (line,) = (one for one in run("list").stdout.splitlines() if one.startswith("efficientnet "))
    assert line.split()[1:7] == ["797,568", "3.2", "132", "M", "160x160x3", "ImageNet"]


def test_list_as_json_is_whole() -> None:
    listed = json.loads(run("list", "--json").stdout)
    assert listed.keys() == {"architectures", "explainers", "readers", "image_formats", "broken"}
    assert {"alexnet", "efficientnet"} <= {a["name"] for a in listed["architectures"]}
    assert listed["broken"] == []
    assert any(e["default"] for e in listed["explainers"])
    filtered = json.loads(run("list", "grad*", "--json").stdout)
    assert {e["name"] for e in filtered["explainers"]} == {"gradcam", "gradcam++"}


def test_show_tells_options_and_recipe() -> None:
    shown = " ".join(run("show", "efficientnet").stdout.split())
    assert "learning_rate" in shown
    assert "Pretrained: ImageNet" in shown
    for preset, setting in (("fast", "backbone"), ("best", "input_shape")):
        _, _, changed = shown.partition(f"What --preset {preset} changes")
        assert setting in changed.partition("What --preset")[0]
    assert run("show", "gradcam").exit_code == 0


def test_help_names_every_command_and_what_this_is_not() -> None:
    text = run("--help").stdout
    assert all(f"\n  {name} " in text for name in ("list", "train", "predict", "explain"))
    assert "".join(DISCLAIMER.split()) in "".join(text.split())


def test_predict_skips_a_broken_image_among_others(
    picture: Picture, tmp_path: Path, trained: Run
) -> None:
    for number in range(3):
        picture(f"folder/{number}.png", seed=number)
    (tmp_path / "folder" / "broken.png").write_bytes(picture("whole.png").read_bytes()[:300])
    result = run("predict", trained.path, tmp_path / "folder")
    assert result.exit_code == 0
    assert "skipped:" in result.stderr
    assert "broken.png" in result.stderr
    assert "1 of 4 files were skipped" in result.stderr
    assert "SYNTHETIC DATA" in result.stdout
    assert DISCLAIMER in result.stdout


def test_predict_as_json_says_everything(picture: Picture, tmp_path: Path, trained: Run) -> None:
    first, broken = picture("0.png"), tmp_path / "broken.png"
    broken.write_text("an X-ray")
    answer = json.loads(run("predict", "--run", trained.path, "--json", first, broken).stdout)
    assert answer["run"] == trained.name
    assert answer["synthetic"] is True
    assert answer["disclaimer"] == DISCLAIMER
    (row,) = answer["predictions"]
    assert row["name"] == str(first)
    assert sum(row["probabilities"].values()) == pytest.approx(1)
    assert row["leaning"] in trained.class_names
    assert row["refused"] == "unknown"  # noise is no chest X-ray
    assert row["label"].endswith("UNLIKE THE TRAINING IMAGES")
    assert answer["skipped"][0]["name"] == str(broken)


def test_predict_as_csv_to_a_file_or_the_screen(
    picture: Picture, tmp_path: Path, trained: Run
) -> None:
    image, path = picture("a,b.png"), tmp_path / "out.csv"
    printed = run("predict", trained.path, image, "--csv", "-").stdout
    assert run("predict", trained.path, image, "--csv", path).exit_code == 0
    assert path.read_text() == printed
    (row,) = csv.DictReader(io.StringIO(printed))
    assert row["image"] == str(image)
    assert row["prediction"].endswith("UNLIKE THE TRAINING IMAGES")
    assert row["leaning"] in trained.class_names
    assert row["reason"]


def test_the_newest_run_is_taken_when_none_is_named(
    picture: Picture, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_RUNS", str(trained.path.parent))
    assert f"Run: {trained.name}" in run("predict", picture("a.png")).stderr


@pytest.mark.parametrize("other", [[], ["--data", "phantom?images=40&size=64&seed=5"]])
def test_evaluate_begins_with_what_holds_the_run_back(run_copy: Path, other: list[str]) -> None:
    scores = run_folder.read(run_copy).metrics()
    scores["test"]["calibration"]["after"]["ece_mass"] = 0.9
    (run_copy / run_folder.METRICS).write_text(json.dumps(scores))
    record = dict(run_folder.read(run_copy).record)
    record["files"] |= {run_folder.METRICS: digest_file(run_copy / run_folder.METRICS)}
    (run_copy / run_folder.RECORD).write_text(json.dumps(record))
    result = run("evaluate", run_copy, *other)
    assert result.exit_code == 0, result.output
    first = result.stdout.partition("calibration: holds it back\n")
    assert "precision" not in first[0]
    assert first[2].startswith("  Expected calibration error 0.900 on the test part. ")
    unknown = re.search(r"Not known: ([^.]*)\.", first[2])  # of what, a small run decides too
    assert ("other data" in (unknown[1] if unknown else "")) == (not other)
    page = next(run_copy.glob("evaluation/*/report.html")).read_text()
    assert page.index("What holds it back") < page.index("What to believe")


def test_evaluate_scores_the_test_part(run_copy: Path) -> None:
    result = run("evaluate", run_copy, "--json")
    assert result.exit_code == 0, result.output
    kept = json.loads((run_copy / run_folder.METRICS).read_text())["test"]
    scores = json.loads(result.stdout)
    assert scores["images"] == kept["images"]
    assert scores["metrics"]["roc_auc"]["value"] == pytest.approx(
        kept["metrics"]["roc_auc"]["value"], abs=1e-4
    )


@pytest.mark.slow
def test_evaluate_by_a_column(run_copy: Path) -> None:
    result = run("evaluate", run_copy, "--by", "marker", "--by", "prefix")
    assert result.exit_code == 0, result.output
    assert re.search(r"^By marker +images +patients +ROC-AUC", result.stdout, re.MULTILINE)
    assert "By prefix: There are no two groups that can be compared." in result.stdout
    assert DISCLAIMER in result.stdout
    unknown = run("evaluate", run_copy, "--by", "veiw")
    assert unknown.exit_code == 2
    assert "no column 'veiw' in 'phantom'. Columns: contrast, marker" in unknown.stderr
    assert "Traceback" not in unknown.output


def test_stress_tells_the_worst_changes_and_where_its_page_is(run_copy: Path) -> None:
    result = run("stress", run_copy, "--images", 8, "--split", "validation")
    assert result.exit_code == 0, result.output
    assert re.search(r"change +mild +middle +strong", result.stdout)
    assert re.search(r"\nnoise +[\d.]{5} +[\d.]{5} +[\d.]{5}", result.stdout)
    assert result.stdout.startswith("SYNTHETIC DATA.")
    assert "Balanced accuracy is" in result.stdout
    assert DISCLAIMER in result.stdout
    assert result.stdout.endswith(f"{run_copy / 'stress' / 'validation'}\n")
    told = json.loads(run("stress", run_copy, "--images", 4, "--json").stdout)
    assert told["images"] == 4
    assert json.loads((run_copy / "stress/test/stress.json").read_text()) == told


def test_stress_refuses_no_images(run_copy: Path) -> None:
    assert run("stress", run_copy, "--images", 0).exit_code == 2


def test_explain_writes_a_page_and_a_panel(picture: Picture, tmp_path: Path, trained: Run) -> None:
    arguments = ["--run", trained.path, "--method", "saliency", "--output", tmp_path / "out"]
    result = run("explain", *arguments, picture("a.png"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "a.html").stat().st_size > 1000
    with Image.open(tmp_path / "out" / "a.png") as panel:
        assert panel.format == "PNG"


def test_runs_are_noted_renamed_removed_and_brought_back(run_copy: Path) -> None:
    folder = run_copy.parent
    assert run("runs", "--runs", folder, "note", "copy", "without flips").exit_code == 0
    assert "copy: without flips" in run("runs", "--runs", folder).stdout
    assert run("runs", "rename", "copy", "kept", "--runs", folder).exit_code == 0
    (row,) = json.loads(run("runs", "--runs", folder, "--json").stdout)
    assert (row["run"], row["note"]) == ("kept", "without flips")
    removed = run("runs", "rm", "kept", "--runs", folder)
    assert "zoo runs undo kept" in removed.stdout
    (gone,) = json.loads(run("runs", "trash", "--json", "--runs", folder).stdout)
    assert (gone["run"], gone["days_left"]) == ("kept", 7)
    assert "kept is back" in run("runs", "undo", "--runs", folder).stdout
    wrong = run("runs", "rename", "kept", "a/b", "--runs", folder)
    assert wrong.exit_code == 2
    assert "cannot be the name of a run" in wrong.stderr
    misspelt = run("runs", "rm", "kept", "kepd", "--runs", folder)
    assert (misspelt.exit_code, misspelt.stdout) == (2, "")
    assert "Did you mean 'kept'" in misspelt.stderr
    assert run("runs", "rm", "kept", "--runs", folder).exit_code == 0
    emptied = run("runs", "trash", "--empty", "--runs", folder)
    assert "Removed for good: 1 run." in emptied.stdout
    assert list(folder.iterdir()) == []


def test_runs_lists_the_run(trained: Run, tmp_path: Path) -> None:
    folder = trained.path.parent
    assert trained.name in run("runs", "--runs", folder).stdout
    (row,) = json.loads(run("runs", "--runs", folder, "--json").stdout)
    assert (row["run"], row["status"]) == (trained.name, "done")
    assert 0 <= row["roc_auc"] <= 1
    assert "No runs" in run("runs", "--runs", tmp_path).stdout


def test_probabilities_are_of_the_tempered_logits(trained) -> None:
    import numpy as np

    from zoo.runs import model_file
    from zoo.stats.probabilities import softmax

    classifier = model_file.load_classifier(trained)
    assert classifier.temperature == trained.record["calibration"]["temperature"] > 0
    pixels = np.zeros((1, *classifier.input_shape), np.uint8)
    expected = softmax(classifier.logits(pixels) / classifier.temperature)
    np.testing.assert_allclose(classifier.probabilities(pixels), expected)
