"""What a reader of a report should know of the run behind it."""

from __future__ import annotations

from pathlib import Path

from zoo.runs.run_folder import Run


def facts(run: Run) -> dict[str, str]:
    """Return a table of plain text: where the network comes from and what it was trained on."""
    record = run.record
    return {
        "run": run.name,
        "architecture": record["architecture"],
        "pretrained on": record["pretrained"] or "nothing (from scratch)",
        "data": Path(record["data"]["source"]).name
        + (" (synthetic)" if record["data"]["synthetic"] else ""),
        "training images": str(record["splits"]["train"]["images"]),
        "training patients": str(record["splits"]["train"]["patients"]),
        "seed": str(record["seed"]),
        "version": f"xray-zoo {record['versions']['xray-zoo']}",
    }
