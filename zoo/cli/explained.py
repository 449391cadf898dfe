"""What `zoo explain` writes of explained images: as lines, or as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo import DISCLAIMER
from zoo.data.queries import Skipped
from zoo.runs.run_folder import Run

if TYPE_CHECKING:
    from zoo.interpret.case import Case


def tell(case: Case) -> None:
    """Print the answer to an image, and what each method says of it."""
    from zoo.report.cases.text import explanation_text, likeness_texts, prediction_text

    click.echo(f"{case.name}: {prediction_text(case)}")
    if case.chosen:
        click.echo(f"  {case.chosen}")
    for explanation in case.explanations:
        click.echo(f"  {explanation.method}: {explanation_text(case, explanation)}")
    for line in likeness_texts(case):
        click.echo(f"  {line}")


def record(run: Run, results: Iterable[Any], output: Path) -> dict[str, Any]:
    """Return what was explained, with the reports in the folder `output`, as plain data."""
    from zoo.report.cases.casebook import INDEX
    from zoo.report.cases.index import Entry

    shown = ("path", "name", "answer", "confidence", "agreement", "verdicts")
    told = [one for one in results if isinstance(one, Entry | Skipped)]
    return {
        "run": run.name,
        "synthetic": run.record["data"]["synthetic"],
        "disclaimer": DISCLAIMER,
        "index": str(output / INDEX) if (output / INDEX).is_file() else None,
        "cases": [
            {name: getattr(one, name) for name in shown}
            | {"files": {kind: str(output / file) for kind, file in one.files.items()}}
            for one in told
            if isinstance(one, Entry)
        ],
        "skipped": [asdict(one) for one in told if isinstance(one, Skipped)],
    }
