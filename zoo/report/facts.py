"""What a reader of a report should know of the run behind it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def best_epoch(training: Mapping[str, Any]) -> str:
    """Say which epoch's weights were kept, and which phases of the training came to nothing."""
    if not training["epochs"]:
        return "none: it was trained elsewhere"
    if not training["best_epoch"]:
        return f"none: {training['epochs']} epochs of all members"
    kept = f"{training['best_epoch']} of {training['epochs']}"
    unused = training.get("unused_phases")
    return f"{kept} ({', '.join(unused)} changed nothing)" if unused else kept
