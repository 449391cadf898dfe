"""Everything that writes a file survives what can go wrong at any of its calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import small_work
from injected import FAULTS, NAMES, NONE, Fault, Zygote
from survival import Work, is_partial

TRIES = 2
STAMP = re.compile(r"-\d{8}-\d{6}(-\d+)?")
NOT_WHOLE = ("checkpoints", "a_run", "casebooks")
"""Works whose files change on the way: what matters of them is what comes in the end."""


@pytest.fixture(scope="module")
def zygote(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    started = Zygote(tmp_path_factory.mktemp("zygote"), shim, ["small_work", "zoo.cli"])
    small_work.prepare(started.folder / "start")
    yield started
    started.close()


@pytest.fixture(scope="module", params=[work.__name__ for work in small_work.WORKS])
def work(request: pytest.FixtureRequest, zygote: Zygote) -> tuple[str, Work]:
    function = f"small_work:{request.param}"

    def begin(fault: Fault, at: int) -> Any:
        return zygote.call(function, (), fault, at)

    whole = None if request.param in NOT_WHOLE else "out"
    start = zygote.folder / "start"
    measured = Work(zygote, start, begin, partial(begin, NONE, 0), results, whole=whole)
    measured.measure(NONE)
    return request.param, measured


def results(folder: Path) -> dict[str, Any]:
    """Return what each file of `out` holds; of a log the lines that can be read, in any order."""
    found: dict[str, Any] = {}
    for path in (folder / "out").rglob("*"):
        if path.is_file() and not is_partial(path):
            name = STAMP.sub("", str(path.relative_to(folder)))
            found[name] = entries(path) if path.suffix == ".jsonl" else path.read_bytes()
    return found


def entries(log: Path) -> list[str]:
    whole = []
    for line in log.read_text("utf-8", errors="replace").splitlines():
        try:
            whole.append(json.loads(line)["path"])
        except ValueError:
            continue
    return sorted(set(whole))


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_nothing_is_lost(work: tuple[str, Work], fault: Fault, tell: Any) -> None:
    name, given = work
    points = fault.points(given.counts, TRIES)
    lost = [told for told in (given.attempt(fault, at) for at in points) if told]
    tell(name, fault.name, len(points), len(lost))
    assert lost == []


def test_the_shim_sees_every_kind_of_call(work: tuple[str, Work]) -> None:
    name, given = work
    assert all(given.counts[kind] for kind in ("create", "write", "sync", "name")), given.counts
    if name in ("answers", "checkpoints", "images", "an_archive"):
        assert given.counts["read"]


def test_what_is_written_in_place_is_caught(zygote: Zygote) -> None:
    """The harness itself can fail: a file that is written under its own name is seen half."""

    def begin(fault: Fault, at: int) -> Any:
        return zygote.call("small_work:careless", (), fault, at)

    start = zygote.folder / "start"
    careless = Work(zygote, start, begin, partial(begin, NONE, 0), results, whole="out")
    careless.measure(NONE)
    told = careless.attempt(FAULTS[0], 1)
    assert "write ./out/page.html" in told
    assert "'page.html' is half written" in told
    assert "traceback" in careless.attempt(FAULTS[3], 1)
