"""A run of a network that is trained already: measured, described, and there when it is whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.base.files import write_text
from zoo.report.pages.card import model_card
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.runs.staged import staged
from zoo.training.finish import finish
from zoo.training.trained import Trained


def finished_run(
    trained: Trained, record: Mapping[str, Any], folder: str | Path | None, name: str
) -> Run:
    """Make a run in a folder of runs (default: ZOO_RUNS or `runs`), called by `name` and the time.

    `record` is what is known of it before it is measured.

    Raises:
        NotWritten: the system does not let it be written.
    """
    runs_folder = run_folder.root(folder)
    with staged(runs_folder, name) as place:
        run = finish(trained, record, place)
        write_text(place / run_folder.CARD, model_card(run))
        run_folder.mark_done(run)
    return replace(run, path=runs_folder / run.name)
