"""The audit log is for its owner alone, and says when it cannot be written."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from zoo import BadInput
from zoo.web.service.journal import Journal
from zoo.web.service.limits import Unavailable


def test_the_journal_appends_lines_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for _ in range(2):
        Journal(path).record("run-1", [("0" * 16, "NORMAL", 0.75), ("1" * 16, "UNCERTAIN", 0.5)])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 4
    assert lines[0].keys() == {"time", "run", "digest", "answer", "probability"}
    assert lines[0]["time"].endswith("+00:00")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_journal_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written"):
        Journal(tmp_path / "no" / "audit.jsonl")
    journal = Journal(tmp_path / "audit.jsonl")
    journal.path.unlink()
    journal.path.mkdir()
    with pytest.raises(Unavailable, match="nothing is answered"):
        journal.record("run", [("0" * 16, "NORMAL", 0.5)])
