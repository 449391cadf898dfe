from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from zoo import InvalidSetting
from zoo.base import settings
from zoo.base.registry import Registry
from zoo.cli import main
from zoo.runs import run_folder
from zoo.runs.run_folder import Run

Picture = Callable[..., Path]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def assert_user_error(result: Result, *told: str) -> None:
    """One clear sentence on standard error, exit code 2, nothing of Python."""
    assert result.exit_code == 2, result.output
    assert [line[:6] for line in result.stderr.splitlines()].count("Error:") == 1
    assert "Traceback" not in result.output
    for part in told:
        assert part in result.stderr


@pytest.fixture
def tiny(tiny_registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command find the architecture `tiny`."""
    monkeypatch.setattr("zoo.cli.train.load_registry", lambda: tiny_registry)


# What cannot be mended by trying again is told before TensorFlow is loaded.


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["trian"], "Did you mean 'train'"),
        (["train"], "Expected an architecture's name"),
        (["train", "alexnot"], "Did you mean 'alexnet'"),
        (["train", "alexnet", "--set", "learning_rat=1"], "Did you mean 'learning_rate'"),
        (["train", "alexnet", "--set", "learning_rate"], "key=value"),
        (["train", "alexnet", "--set", "learning_rate=fast"], "expected a number"),
        (["train", "alexnet", "--set", "epochs=1", "--set", "epochs=2"], "twice"),
        (["train", "alexnet", "--set", "augmentation=flips"], "one of"),
        (["train", "alexnet", "--epochs", "0"], "--epochs"),
        (["train", "alexnet", "--epochs", "many"], "--epochs"),
        (["train", "alexnet", "--seed", "99999999999"], "seed"),
        (["train", "alexnet", "--input", "huge"], "The input 'huge'"),
        (["train", "alexnet", "--data", "nowhere"], "'nowhere'"),
        (["train", "alexnet", "--data", "phantom?image=10"], "Did you mean 'images'"),
        (["train", "alexnet", "--data", "phantom?images"], "cannot be read"),
        (["train", "alexnet", "--resume", "x"], "--resume"),
        (["train", "--resume", "x", "--epochs", "3"], "give no others"),
        (["train", "--resume", "x", "--preset", "fast"], "give no others"),
        (["train", "--resume", "x"], "no run 'x'"),
        (["show", "gradcan"], "Did you mean 'gradcam'"),
        (["show"], "NAME"),
        (["list", "zzz*"], "zzz*"),
        (["list", "--jsn"], "--jsn"),
        (["list", "--max-parameters", "ten"], "such as 800000, 800K, 10M or 1.5G"),
        (["list", "--max-parameters", "1"], "Nothing called '*'"),
        (["list", "--offline", "--kind", "reader"], "only architectures have"),
        (["predict"], "Expected at least one image"),
        (["evaluate", "--split", "exam"], "exam"),
        (["explain"], "IMAGE"),
        (["explain", "a.png", "--concept", "drain=b"], "--concept belongs to --global"),
        (["explain", "--audit", "x", "--target", "a"], "--target belongs to IMAGE"),
        (
            ["explain", "--audit", "x", "--no-trust", "--jobs", "1"],
            "--trust/--no-trust and --jobs belong",
        ),
        (["explain", "--global", "x", "--format", "html,png"], "--format belongs to IMAGE"),
        (["explain", "--global", "x", "--run", "x"], "--run belongs to IMAGE"),
        (["explain", "--global", "x", "--set", "seed=1"], "--set belongs to IMAGE and to --audit"),
        (["explain", "--global", "x", "--concept", "drain"], "Expected NAME=FOLDER"),
        (["explain", "--global", "x", "--concept", "marker=b"], "two concepts called 'marker'"),
    ],
)
def test_wrong_words_get_one_sentence(arguments: list[str], told: str, tmp_path: Path) -> None:
    assert_user_error(run(*arguments), told)


@pytest.mark.parametrize("command", ["predict", "explain", "evaluate"])
def test_without_a_run_the_way_to_one_is_told(command: str, picture: Picture) -> None:
    arguments = [] if command == "evaluate" else [picture("a.png")]
    assert_user_error(run(command, *arguments), "zoo train")


@pytest.mark.parametrize("command", ["evaluate", "stress", "diagnose", "export"])
def test_a_run_that_is_named_by_an_option_is_told_its_place(command: str) -> None:
    assert_user_error(run(command, "--run", "a"), "Name the run itself, as in", f"{command} RUN'")
    assert_user_error(run("train", "--run", "a"), "No such option '--run'")


def test_an_unknown_run_is_told(picture: Picture, trained: Run) -> None:
    result = run("predict", "--run", "x", "--runs", trained.path.parent, picture("a.png"))
    assert_user_error(result, "There is no run 'x'", trained.name)


def test_an_unfinished_run_says_how_to_go_on(picture: Picture, run_copy: Path) -> None:
    record = json.loads((run_copy / run_folder.RECORD).read_text())
    (run_copy / run_folder.RECORD).write_text(json.dumps({**record, "status": run_folder.TRAINING}))
    assert_user_error(run("predict", run_copy, picture("a.png")), "zoo train --resume")
    result = run("runs", "--runs", run_copy.parent)
    assert f"zoo train --resume {run_copy}" in result.stdout


def test_an_unknown_method_is_told(picture: Picture, trained: Run) -> None:
    result = run("explain", "--run", trained.path, "--method", "gradcan", picture("a.png"))
    assert_user_error(result, "Did you mean 'gradcam'")


def test_an_unknown_option_of_a_method_is_told(picture: Picture, trained: Run) -> None:
    arguments = ["--run", trained.path, "--method", "saliency", "--set", "colour=red"]
    assert_user_error(run("explain", *arguments, picture("a.png")), "no option 'colour'")


def test_an_audit_takes_options_of_methods(trained: Run) -> None:
    result = run("explain", "--audit", trained.path, "--set", "colour=red")
    assert_user_error(result, "no option 'colour'")


def test_an_unknown_target_is_told(picture: Picture, trained: Run) -> None:
    arguments = ["--run", trained.path, "--target", "PNEUMONA"]
    assert_user_error(run("explain", *arguments, picture("a.png")), "Did you mean 'PNEUMONIA'")


# Data that cannot be used.


def test_a_folder_without_classes_is_told(tmp_path: Path, picture: Picture) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert_user_error(run("train", "alexnet", "--data", empty), "no images in class folders")
    picture("loose/a.png")
    assert_user_error(run("train", "alexnet", "--data", tmp_path / "loose"), "a folder a class")


def test_a_single_class_is_told(picture: Picture, tmp_path: Path) -> None:
    picture("one/NORMAL/a.png")
    assert_user_error(run("train", "alexnet", "--data", tmp_path / "one"), "at least two")


def test_too_few_patients_are_told(tiny: None, picture: Picture, tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(f"few/{name}/{name}.png", seed=ord(name))
    result = run("train", "tiny", "--data", tmp_path / "few", "--runs", tmp_path / "runs")
    assert_user_error(result, "has 1 patients to divide")
    assert not (tmp_path / "runs").exists()


def test_an_unknown_positive_class_is_told(tiny: None, class_folders: Path) -> None:
    result = run("train", "tiny", "--data", class_folders, "--positive", "PNEUMONI")
    assert_user_error(result, "Did you mean 'PNEUMONIA'")


def test_a_broken_image_stops_a_training_unless_it_is_skipped(
    tiny: None, class_folders: Path, tmp_path: Path
) -> None:
    broken = class_folders / "NORMAL" / "broken.png"
    broken.write_bytes((class_folders / "NORMAL" / "normal0.png").read_bytes()[:500])
    folder = tmp_path / "runs"
    arguments = ["train", "tiny", "--data", class_folders, "--epochs", "1", "--runs", folder]
    assert_user_error(run(*arguments), "1 of 21 images", "broken.png", "--skip-broken")
    assert not folder.exists()
    result = run(*arguments, "--skip-broken")
    assert result.exit_code == 0, result.output
    unknown = re.search(r"Not known: ([^.]*)\.", result.stdout.partition("Test part")[0])
    assert unknown is not None
    assert "other data" in unknown[1]
    assert "Test part" in result.stdout
    (made,) = run_folder.listing(folder)
    assert made.done
    assert made.record["data"]["images"] == 20
    assert made.record["data"]["broken"] == 1
    assert run("evaluate", made.path).exit_code == 0


def test_options_that_a_layer_cannot_have_are_told(tiny: None, tmp_path: Path) -> None:
    source = "phantom?images=80&size=64"
    arguments = ["--data", source, "--set", "dropout=1.5", "--runs", tmp_path / "runs"]
    assert_user_error(run("train", "tiny", *arguments), "cannot be built", "dropout")
    assert not (tmp_path / "runs").exists()


def damaged(kind: str, picture: Picture, path: Path) -> Path:
    whole = picture("whole.png").read_bytes()
    if kind == "1x1":
        Image.new("RGB", (1, 1)).save(path, "PNG")
    elif kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes({"empty": b"", "short": whole[:300], "text": b"an X-ray"}[kind])
    return path


@pytest.mark.parametrize("kind", ["empty", "short", "1x1", "text", "missing", "folder"])
@pytest.mark.parametrize("command", ["predict", "explain"])
def test_a_file_that_is_no_image_is_told(
    command: str, kind: str, picture: Picture, tmp_path: Path, trained: Run
) -> None:
    path = damaged(kind, picture, tmp_path / "query.png")
    outputs = ["--output", tmp_path / "out"] if command == "explain" else []
    assert_user_error(run(command, "--run", trained.path, *outputs, path), "query.png")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (None, None),
        ("180", (180, 180, 3)),
        ("180x160", (180, 160, 3)),
        ("28X28X1", (28, 28, 1)),
    ],
)
def test_input_shapes_are_read(text: str | None, shape: tuple[int, int, int] | None) -> None:
    assert settings.input_shape(text) == shape


@pytest.mark.parametrize("text", ["", "x", "15", "4096", "64x64x2", "1x2x3x4", "64x", "-64"])
def test_other_input_shapes_are_refused(text: str) -> None:
    with pytest.raises(InvalidSetting, match="cannot be used"):
        settings.input_shape(text)
