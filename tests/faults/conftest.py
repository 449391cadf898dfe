"""The shim, and the table of what survived."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import injected
import pytest
from injected import NAMES


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = injected.compile_shim(tmp_path_factory.mktemp("shim"))
    if made is None:
        pytest.skip("faults are injected on Linux alone, and with a C compiler")
    return made


@pytest.fixture
def tell(record_property: Any) -> Any:
    """Note for the table how many tries there were of a fault, and how many of them lost."""

    def told(work: str, fault: str, tries: int, lost: int) -> None:
        record_property("faults", [work, fault, tries, lost])

    return told


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table of all that was tried, and write it where FAULTS_TABLE says."""
    reports = (r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind))
    told = [value for r in reports for name, value in r.user_properties if name == "faults"]
    if not told:
        return
    lines = [*_table("fault", 1, told, NAMES), "", *_table("work", 0, told, ())]
    terminalreporter.write_line("\n".join(lines))
    if path := os.environ.get("FAULTS_TABLE"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("\n".join(lines) + "\n")


def _table(title: str, column: int, told: list[Any], order: Any) -> Iterator[str]:
    tries: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for row in told:
        for name in (row[column], "all"):
            tries[name] += row[2]
            lost[name] += row[3]
    yield f"| {title} | tries | survived | lost |"
    yield "|---|---|---|---|"
    for name in [*(order or sorted(tries.keys() - {"all"})), "all"]:
        if name in tries:
            yield f"| {name} | {tries[name]} | {tries[name] - lost[name]} | {lost[name]} |"
