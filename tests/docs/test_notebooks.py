"""The notebooks run from top to bottom, and are kept without what they gave."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from zoo import DISCLAIMER

nbformat = pytest.importorskip("nbformat")
FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def code(path: Path) -> list[Any]:
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_without_outputs(path: Path) -> None:
    nbformat.validate(nbformat.read(path, 4))
    assert [cell.execution_count for cell in code(path)] == [None] * len(code(path))
    assert [cell.outputs for cell in code(path)] == [[]] * len(code(path))


def test_the_first_one_has_ten_cells() -> None:
    assert len(code(FOLDER / "first-steps.ipynb")) == 10


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_on_a_fresh_machine(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setenv("ZOO_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(path, 4)
    nbclient.NotebookClient(
        notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    if kept := os.environ.get("KEPT_NOTEBOOKS"):  # to look at them
        nbformat.write(notebook, Path(kept) / path.name)
    given = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    pages = [output.get("data", {}).get("text/html", "") for output in given]
    assert any("<iframe" in page for page in pages)
    assert any(DISCLAIMER in page for page in pages)
    assert not [output for output in given if "Traceback" in output.get("text", "")]
