"""What a shell is offered when Tab is pressed, asked as bash, zsh and fish ask."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import shell_complete

from zoo.cli import COMMANDS, main

Ask = Callable[..., list[str]]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs, one of which is in training; their records are not even JSON."""
    for name in ("first-1", "second-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text("never read")
    (tmp_path / "second-2" / "checkpoint.npz").touch()
    monkeypatch.setenv("ZOO_RUNS", str(tmp_path))
    return tmp_path


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Ask as bash does: all words, and which of them is typed."""

    def asked(*words: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", " ".join(("zoo", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        assert shell_complete(main, {}, "zoo", "_ZOO_COMPLETE", "bash_complete") == 0
        return capsys.readouterr().out.split()

    return asked


def test_commands_are_offered(ask: Ask) -> None:
    assert ask("") == [f"plain,{name}" for name in COMMANDS]
    assert ask("tr") == ["plain,train"]
    assert ask("runs", "f") == ["plain,fetch"]
    assert "plain,--resume" in ask("train", "--re")


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("train", "effi"), ["efficientnet"]),
        (("learning-curve", "scr"), ["scratch"]),
        (("tune", "scr"), ["scratch"]),
        (("show", "s"), ["scratch", "saliency", "scorecam", "shap", "smoothgrad"]),
        (("compare", "scratch", "s"), ["scratch", "second-2"]),
        (("train", "--resume", ""), ["second-2"]),
        (("evaluate", "f"), ["first-1"]),
        (("diagnose", ""), ["first-1", "second-2"]),
        (("ensemble", "first-1", "s"), ["second-2"]),
        (("explain", "--run", "s"), ["second-2"]),
        (("explain", "--audit", "f"), ["first-1"]),
        (("explain", "--method", "gradcam+"), ["gradcam++"]),
        (("runs", "note", "f"), ["first-1"]),
        (("data", "get", "pneu"), ["pneumoniamnist"]),
        (("cache", "clear", "pi"), ["pixels"]),
        (("plugin", "check", "smoothg"), ["smoothgrad"]),
        (("train", "--track", ""), ["mlflow"]),
        (("train", "--preset", "b"), ["best"]),
    ],
)
def test_names_are_offered(ask: Ask, words: tuple[str, ...], offered: list[str]) -> None:
    found = [line.removeprefix("plain,") for line in ask(*words)]
    assert [name for name in found if "_" not in name] == offered


def test_data_and_images_are_files_as_well(ask: Ask, runs: Path) -> None:
    assert ask("check", "ph") == ["file,ph", "plain,phantom"]  # bash forgets what was before
    assert ask("check", "") == ["file,"]
    assert ask("train", "scratch", "--data", "x") == ["file,x"]
    assert ask("predict", "first-1", "x") == ["file,x"]


def test_runs_are_those_of_the_folder_that_was_named(ask: Ask, runs: Path, tmp_path: Path) -> None:
    other = tmp_path / "others"
    (other / "third").mkdir(parents=True)
    (other / "third" / "run.json").touch()
    assert ask("evaluate", "--runs", str(other), "") == ["plain,third"]
    assert ask("runs", "--runs", str(other), "rm", "") == ["plain,third"]


@pytest.mark.usefixtures("runs")
def test_a_run_is_a_folder_where_a_path_is_typed(ask: Ask) -> None:
    assert ask("evaluate", "runs/f") == ["dir,runs/f"]
    assert ask("explain", "--run", "./") == ["dir,./"]


@pytest.mark.usefixtures("runs")
def test_bash_divides_options_at_their_sign(ask: Ask) -> None:
    assert ask("train", "--preset", "=", "f") == ["plain,fast"]
    assert ask("train", "--resume", "=") == ["plain,second-2"]
    assert ask("train", "--data", "=", "ph", "scr") == ["plain,scratch"]
    assert ask("train", "--data", "=", "ph") == ["file,ph", "plain,phantom"]
    assert ask("train", "scratch", "--set", "a", "=", "b", "--pres") == ["plain,--preset"]


def test_bash_divides_names_at_colons(ask: Ask) -> None:
    assert ask("train", "keras", ":", "VGG") == ["plain,VGG16", "plain,VGG19"]
    assert "plain,VGG16" in ask("train", "keras", ":")
    assert ask("compare", "keras", ":", "VGG16", "scr") == ["plain,scratch"]


def test_other_shells_get_whole_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMP_WORDS", "zoo train keras:VGG1")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert shell_complete(main, {}, "zoo", "_ZOO_COMPLETE", "zsh_complete") == 0
    assert capsys.readouterr().out.split() == [
        "plain",
        "keras:VGG16",
        "_",
        "plain",
        "keras:VGG19",
        "_",
    ]
    monkeypatch.setenv("COMP_CWORD", "keras:VGG1")  # fish gives the word itself
    assert shell_complete(main, {}, "zoo", "_ZOO_COMPLETE", "fish_complete") == 0
    assert "keras:VGG16" in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell_complete(main, {}, "zoo", "_ZOO_COMPLETE", f"{shell}_source") == 0
    assert f"_ZOO_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_what_fails_offers_nothing(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> None:
        raise RuntimeError

    monkeypatch.setattr("zoo.base.registry.load_registry", failing)
    assert ask("train", "e") == []


@pytest.mark.parametrize("words", ["zoo train e", "zoo explain --run f"])
def test_a_shell_waits_for_nothing_heavy(words: str, runs: Path) -> None:
    code = (
        "import json, sys\nfrom zoo.cli import main\n"
        "try: main(prog_name='zoo')\n"
        "except SystemExit: print(json.dumps(sorted(sys.modules)))"
    )
    said = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        env={"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "ZOO_RUNS": str(runs)}
        | {"_ZOO_COMPLETE": "bash_complete", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert len(said) > 1
    assert not {"tensorflow", "keras", "pydantic", "scipy", "rich", "sklearn"} & {
        *json.loads(said[-1])
    }
