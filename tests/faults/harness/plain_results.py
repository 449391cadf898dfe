"""What came of a command, without what two runs of it may differ in: times, and random names."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from survival import is_partial

STAMP = re.compile(r"-\d{8}-\d{6}(-\d+)?")
TIMES = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\+00:00)?|\d{4}-\d\d-\d\d|\b[\d.]+ (s|MB)\b"
)
OF_TIME = {"created", "seconds", "peak_memory_mb", "date_saved", "shared_object_id"}
OF_BYTES = {"files", "key"}
"""What holds digests of files that state times, or of records of such."""


def plain_results(folder: Path, below: tuple[str, ...]) -> dict[str, Any]:
    """Return what each file below some folders holds; of an unfinished run, nothing."""
    found: dict[str, Any] = {}
    for path in sorted(path for part in below for path in (folder / part).rglob("*")):
        if path.is_file() and not is_partial(path) and "logs" not in path.parts:
            found[STAMP.sub("", str(path.relative_to(folder)))] = plain(path)
    return found


def plain(path: Path) -> Any:
    """Return what a file holds, in a form that can be compared."""
    if path.suffix == ".json":
        return without_times(json.loads(path.read_text("utf-8")))
    if path.suffix == ".jsonl":
        lines = path.read_text("utf-8", errors="replace").splitlines()
        entries = [without_times(json.loads(line)) for line in lines if line.endswith("}")]
        return sorted(map(str, {entry["path"]: entry for entry in entries}.values()))
    if path.suffix == ".csv":
        rows = csv.DictReader(io.StringIO(path.read_text("utf-8")))
        return [without_times(row) for row in rows]
    if path.suffix == ".html":
        return TIMES.sub("", STAMP.sub("", path.read_text("utf-8")))
    if path.suffix == ".keras":
        return network(path)
    return path.read_bytes()


def without_times(content: Any) -> Any:
    """Return the content of a JSON file without what states times or memory."""
    if isinstance(content, Mapping):
        left = content.keys() - OF_TIME - OF_BYTES
        return {name: without_times(content[name]) for name in sorted(left)}
    if isinstance(content, list):
        return [without_times(item) for item in content]
    return STAMP.sub("", content) if isinstance(content, str) else content


def network(path: Path) -> Any:
    """Return the layers and the weights of a Keras file."""
    with zipfile.ZipFile(path) as archive:
        config = without_times(json.loads(archive.read("config.json")))
        weights: dict[str, tuple[str, bytes]] = {}
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:

            def keep(name: str, item: Any) -> None:
                if isinstance(item, h5py.Dataset):
                    values = np.asarray(item)
                    weights[name] = (f"{values.dtype}{values.shape}", values.tobytes())

            file.visititems(keep)
    return config, weights
