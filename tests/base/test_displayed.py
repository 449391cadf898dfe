"""What Python prints of a record: a line, however much it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from zoo.base.displayed import Brief
from zoo.data.queries import Skipped


@dataclass(frozen=True, repr=False)
class Full(Brief):
    content: Any
    name: str = "run-1"
    record: Any = field(default=0, repr=False)


@pytest.mark.parametrize(
    "content",
    [
        np.zeros((500, 500, 3), np.uint8),
        {number: {"value": [1.5] * 1000} for number in range(1000)},
        ["a\nb" * 100_000] * 100_000,
        (b"\xff" * 100_000,) * 1000,
        [[[[0] * 1000] * 1000]],
    ],
    ids=["array", "dict", "list", "bytes", "nested"],
)
def test_a_record_is_told_in_one_short_line(content: Any) -> None:
    told = repr(Full(content))
    assert told.startswith("Full(content=")
    assert told.endswith(", name='run-1')"), "what is small is told whole, the record not"
    assert "\n" not in told
    assert len(told) < 500


def test_what_holds_a_whole_record_or_all_plugins_is_short() -> None:
    run = zoo.Run(Path("runs/one"), {"status": "done", "splits": list(range(100_000))})
    assert repr(run).startswith("Run(path=")
    assert len(repr(run)) < 100
    assert len(repr(zoo.load_registry())) < 1000


def test_printing_a_record_writes_its_table() -> None:
    skipped = Skipped("b.png", "It is no image.")
    assert str(skipped) == str(zoo.show(skipped))
    assert repr(skipped) == "Skipped(name='b.png', reason='It is no image.')"
    assert "Skipped(" not in str(skipped)
