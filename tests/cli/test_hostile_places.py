"""Places that cannot be read or written end in one sentence, exit code 2, and no second error."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from zoo.cli import main
from zoo.runs import run_folder
from zoo.runs.run_folder import Run

FULL = Path("/dev/full")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def told(result: Result, said: str) -> None:
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert said in result.stderr


@pytest.mark.parametrize("kind", ["device", "pipe"])
def test_pipes_and_devices_are_no_images(kind: str, trained: Run, tmp_path: Path) -> None:
    path = Path("/dev/zero") if kind == "device" else tmp_path / "pipe"
    if kind == "pipe":
        os.mkfifo(path)
    told(run("predict", trained.path, path), f"'{path}' is a pipe or a device; expected a file")
    told(run("check", path), str(path))


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "images.npz"])
def test_pipes_are_no_data(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    told(run("check", tmp_path / name), "is a pipe or a device; expected a file")


def test_a_pipe_in_place_of_a_file_of_the_run_is_told(
    run_copy: Path, picture: Callable[..., Path]
) -> None:
    (run_copy / run_folder.CASES).unlink()
    os.mkfifo(run_copy / run_folder.CASES)
    told(run("predict", run_copy, picture("a.png")), "has no 'reference.npz'")
    (run_copy / run_folder.RECORD).unlink()
    os.mkfifo(run_copy / run_folder.RECORD)
    told(run("diagnose", run_copy), "has no 'run.json'")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_an_output_that_is_full_is_told_once(trained: Run) -> None:
    command = [
        sys.executable,
        "-m",
        "zoo.cli",
        "runs",
        "--json",
        "--runs",
        str(trained.path.parent),
    ]
    with FULL.open("w") as full:
        done = subprocess.run(  # noqa: S603
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "Error: The output cannot be written: No space left on device.\n"


def test_a_table_is_not_written_over_a_device(trained: Run, picture: Callable[..., Path]) -> None:
    before = Path("/dev/null").stat().st_mode
    result = run("predict", trained.path, picture("a.png"), "--csv", "/dev/null")
    told(result, "'/dev/null' cannot be written: it is a pipe or a device")
    assert Path("/dev/null").stat().st_mode == before


def test_a_name_that_is_no_text_is_told(trained: Run, tmp_path: Path) -> None:
    name = os.fsdecode(b"scan-\xff.png")
    told(run("predict", trained.path, tmp_path / name), r"scan-\udcff.png' is not UTF-8 text")


def test_one_bad_run_does_not_hide_the_others(run_copy: Path) -> None:
    bad = shutil.copytree(run_copy, run_copy.parent / "bad")
    record = json.loads((bad / run_folder.RECORD).read_text())
    (bad / run_folder.RECORD).write_text(json.dumps({**record, "created": 5}))
    shutil.copytree(run_copy, run_copy.parent / "altered")
    scores = run_copy.parent / "altered" / run_folder.METRICS
    scores.write_text(scores.read_text().replace("0.", "0.0", 1))
    listed = run("runs", "--runs", run_copy.parent)
    assert listed.exit_code == 0, listed.output
    assert "bad is damaged: " in listed.stdout
    assert "(it is 5)" in listed.stdout
    rows = {
        row["run"]: row
        for row in json.loads(run("runs", "--runs", run_copy.parent, "--json").stdout)
    }
    assert {name: row["status"] for name, row in rows.items()} == {
        "copy": "done",
        "bad": "damaged",
        "altered": "damaged",
    }
    assert "was changed after training" in rows["altered"]["reason"]
    assert rows["copy"]["reason"] == ""
