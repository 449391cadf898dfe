"""The notebooks run from top to bottom, and are kept without what they gave."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zoo import DISCLAIMER

nbformat = pytest.importorskip("nbformat")
FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
PATIENCE = 600
"""Seconds that only a mistake takes, however busy the machine is."""
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


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Settings of a kernel that finds neither commands nor files of this user.

    It talks over sockets that are files: a free port could be another's a moment later.
    """
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setenv("ZOO_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    with tempfile.TemporaryDirectory() as short:  # names of sockets are 107 bytes at most
        yield {"transport": "ipc", "connection_file": str(Path(short) / "kernel.json")}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_on_a_fresh_machine(path: Path, tmp_path: Path, kernel: dict[str, Any]) -> None:
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    from traitlets.config import Config

    notebook = nbformat.read(path, 4)
    nbclient.NotebookClient(
        notebook,
        config=Config(KernelManager=kernel),
        timeout=None,  # how long it takes is no question of this test
        startup_timeout=PATIENCE,  # a busy machine takes longer than the usual minute,
        iopub_timeout=PATIENCE,  # and what is shown may come later than four seconds
        raise_on_iopub_timeout=True,
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    if kept := os.environ.get("KEPT_NOTEBOOKS"):  # to look at them
        nbformat.write(notebook, Path(kept) / path.name)
    given = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    pages = [output.get("data", {}).get("text/html", "") for output in given]
    assert any("<iframe" in page for page in pages)
    assert any(DISCLAIMER in page for page in pages)
    assert not [output for output in given if "Traceback" in output.get("text", "")]
