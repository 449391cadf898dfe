"""The examples in the docstrings of the public functions do what they show.

They assume `import zoo`, `Path`, two finished runs `run` and `other`, one that was `killed`, and
a folder `pictures`, as `zoo sample pictures --count 1` writes it.
"""

from __future__ import annotations

import doctest
import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import zoo
from zoo.base.files import write_json
from zoo.cli import main
from zoo.runs import run_folder

SOURCE = "phantom?images=60&size=64"
NEEDED = {"tune": "optuna"}
"""Packages of an extra that an example needs."""
FUNCTIONS = sorted(name for name in zoo.__all__ if inspect.isfunction(getattr(zoo, name)))
FIRST = "train"
"""Its example makes the run that the others use."""
SLOW = ("compare", "learning_curve", "tune")
"""They train several times."""


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the examples may use; the runs are the only ones that are found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("examples"))
        patch.setenv("ZOO_RUNS", str(Path.cwd() / "runs"))
        run = shown(FIRST, {"zoo": zoo})["run"]
        other = zoo.open_run(shutil.copytree(run.path, "runs/other"))
        killed = Path(shutil.copytree(run.path, "stopped/killed"))
        write_json(killed / run_folder.RECORD, {**run.record, "status": run_folder.TRAINING})
        told = CliRunner().invoke(main, ["sample", "pictures", "--data", SOURCE, "--count", "1"])
        assert told.exit_code == 0
        yield {"zoo": zoo, "Path": Path, "run": run, "other": other, "killed": killed}


def shown(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Run the example of a function, and return all names that it knows afterwards."""
    function = getattr(zoo, name)
    example = doctest.DocTestParser().get_doctest(function.__doc__, given, name, None, 0)
    assert any(line.source.count(f"zoo.{name}(") for line in example.examples)
    told: list[str] = []
    runner = doctest.DocTestRunner()
    assert runner.run(example, out=told.append, clear_globs=False).failed == 0, "".join(told)
    return example.globs


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in FUNCTIONS],
)
def test_its_example_does_what_it_shows(name: str, names: dict[str, Any]) -> None:
    if name in NEEDED:
        pytest.importorskip(NEEDED[name])
    if name != FIRST:
        shown(name, dict(names))
