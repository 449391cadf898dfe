"""A Keras archive without what differs from one writing to the next: times and memory addresses."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zoo.base.files import replacing

DATE = "1980-01-01@00:00:00"
"""Stands for the time of writing: the least that a zip archive can say."""


def rewrite(path: Path) -> None:
    """Rewrite a `.keras` file so that it depends on the network alone.

    Members get the earliest date. In the configuration, objects that several layers share are
    numbered in the order in which they appear, instead of by where they lay in memory.
    """
    changed: Mapping[str, Callable[[Any], Any]] = {
        "config.json": _renumbered,
        "metadata.json": lambda content: {**content, "date_saved": DATE},
    }
    with (
        zipfile.ZipFile(path) as old,
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w") as new,
    ):
        for member in old.infolist():
            content = old.read(member)
            if change := changed.get(member.filename):
                content = json.dumps(change(json.loads(content))).encode()
            plain = zipfile.ZipInfo(member.filename)  # its date is the earliest
            plain.compress_type = member.compress_type
            new.writestr(plain, content)


def _renumbered(config: Any) -> Any:
    numbers: dict[int, int] = {}

    def told(item: dict[str, Any]) -> dict[str, Any]:
        # Keras gives the address of what several layers share, such as a data type's policy.
        if isinstance(address := item.get("shared_object_id"), int):
            item["shared_object_id"] = numbers.setdefault(address, len(numbers))
        return item

    return json.loads(json.dumps(config), object_hook=told)
