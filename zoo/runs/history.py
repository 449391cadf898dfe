"""The figures of each epoch, as a table and as TensorBoard logs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.base.files import not_written, write_text


def write_history(path: Path, rows: Sequence[Mapping[str, Any]], logs: Path | None = None) -> None:
    """Write all epochs as CSV, and the last one to the TensorBoard folder `logs`."""
    if not rows:
        return
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, table.getvalue())
    if logs is not None:
        _log(logs, rows[-1])


def read_history(path: Path) -> list[dict[str, Any]]:
    """Read the epochs of a run; numbers come back as numbers. An ensemble has none."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {key: value if key == "phase" else float(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


def _log(folder: Path, row: Mapping[str, Any]) -> None:
    import tensorflow as tf

    try:
        writer = tf.summary.create_file_writer(str(folder))
        with writer.as_default():
            for name, value in row.items():
                if isinstance(value, float):
                    tf.summary.scalar(name, value, step=row["epoch"])
        writer.close()
    except tf.errors.OpError as error:
        raise not_written(folder, error) from error
