from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from zoo import DISCLAIMER
from zoo.cli import main


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_findings_are_printed_and_written(class_folders: Path, tmp_path: Path) -> None:
    result = run("check", class_folders, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "20 images of 20 patients" in result.stdout
    assert "NOTE  No patient is known" in result.stdout
    assert DISCLAIMER in result.stdout
    assert (tmp_path / "out" / "check.html").stat().st_size > 1000
    assert json.loads((tmp_path / "out" / "check.json").read_text())["images"] == 20


def test_generated_images_are_checked_with_the_pretrained_network(tmp_path: Path) -> None:
    result = run("check", "phantom?images=40&size=64", "--output", tmp_path)
    assert result.exit_code == 0, result.output
    assert "SYNTHETIC DATA" in result.stdout
    written = json.loads((tmp_path / "check.json").read_text())
    assert written["features"] == "efficientnet"
    assert (written["sizes"], written["modes"]) == ([], {})
    assert written["baselines"][0]["title"] == "file: mean, contrast"


def test_an_error_gives_exit_code_1_and_names_the_files(
    class_folders: Path, picture: Callable[..., Path], tmp_path: Path
) -> None:
    picture("data/PNEUMONIA/copy.png", seed=0)  # the same picture is NORMAL/normal0.png
    result = run("check", class_folders, "--output", tmp_path / "out", "--json")
    assert result.exit_code == 1
    findings = json.loads(result.stdout)["findings"]
    assert findings[0]["kind"] == "duplicates with different labels"
    assert findings[0]["groups"] == [["NORMAL/normal0.png", "PNEUMONIA/copy.png"]]


def test_a_wrong_class_or_source_is_a_user_error(class_folders: Path, tmp_path: Path) -> None:
    for more in (("--positive", "FLU"), ("--against", tmp_path / "none")):
        result = run("check", class_folders, "--output", tmp_path / "out", *more)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")
    assert not (tmp_path / "out").exists()
