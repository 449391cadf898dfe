from __future__ import annotations

from pathlib import Path

import pytest

from zoo import BadInput
from zoo.report.cases import casebook
from zoo.report.cases.index import Entry


def entry(name: str) -> Entry:
    return Entry(name, name, name, "digest", "key", "NORMAL", 0.5, None, {}, {})


@pytest.mark.parametrize("left", range(1, 60))
def test_a_line_that_was_half_written_is_left_out_and_closed(tmp_path: Path, left: int) -> None:
    casebook.append(tmp_path, entry("first"))
    log = tmp_path / casebook.LOG
    whole = log.read_bytes()
    casebook.append(tmp_path, entry("zweite Lunge links ü ü ü ü"))
    log.write_bytes(log.read_bytes()[: len(whole) + left])  # in the middle of a letter, too
    assert [known.path for known in casebook.entries(tmp_path)] == ["first"]
    casebook.append(tmp_path, entry("third"))
    assert [known.path for known in casebook.entries(tmp_path)] == ["first", "third"]


def test_a_log_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / casebook.LOG).mkdir()
    with pytest.raises(BadInput, match=r"cases\.jsonl' cannot be read"):
        casebook.entries(tmp_path)
