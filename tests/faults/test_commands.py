"""Whole commands survive what can go wrong at any of their calls; `make faults` runs these."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest
import small_work
from injected import FAULTS, NAMES, NONE, Ended, Fault, Zygote
from plain_results import plain_results
from survival import Work

pytestmark = pytest.mark.faults
COMMAND = "zoo.cli:main"
TRAIN = ("train", "--no-verdicts")  # methods are tried as they are when an image is explained
WARM = ("zoo.cli", "zoo.workflows.train", "zoo.workflows.explain", "tensorflow", "keras")
TRIES = {"train": 6, "compare": 4, "explain": 5, "check": 4, "ensemble": 5, "cache": 8}
"""Points for each fault; the fastest are tried most."""
if few := os.environ.get("FAULTS_TRIES"):
    TRIES = dict.fromkeys(TRIES, int(few))


class Commands:
    """Each command with what it begins from, what a user does after it failed, and its results."""

    def __init__(self, zygote: Zygote) -> None:
        self.zygote = zygote
        self.data = zygote.folder / "data"
        small_work.prepare(self.data)
        shutil.rmtree(self.data / "out")
        (self.data / "archive.npz").unlink()

    @cache  # noqa: B019 (there is one, as long as the tests run)
    def trained(self) -> Path:
        """Return a folder with the data and two runs."""
        work = self.zygote.work
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(self.data, work)
        for name in ("frozen", "whole"):
            ended = self.zygote.call(COMMAND, [*TRAIN, name, "--data", "data"])
            assert ended.code == 0, ended.said
            (made,) = (work / "runs").glob(f"{name}-*")
            made.rename(work / "runs" / name)
        kept = self.zygote.folder / "trained"
        work.rename(kept)
        return kept

    def _work(self, start: Path, arguments: list[str], *below: str, traced: bool = False) -> Work:
        def begin(fault: Fault, at: int) -> Ended:
            return self.zygote.call(COMMAND, arguments, fault, at, traced)

        results = partial(plain_results, below=below)
        return Work(self.zygote, start, begin, partial(begin, NONE, 0), results)

    def train(self) -> Work:
        work = self._work(self.data, [*TRAIN, "frozen", "--data", "data"], "runs")

        def again() -> Ended:
            """Go on with a training that can be; else begin anew, unless it is done."""
            for record in (self.zygote.work / "runs").glob("*/run.json"):
                state = json.loads(record.read_text())["status"]
                command = ["diagnose"] if state == "done" else [*TRAIN, "--resume"]
                return self.zygote.call(COMMAND, [*command, str(record.parent)])
            return work.begin(NONE, 0)

        work.again = again
        return work

    def compare(self) -> Work:
        arguments = ["compare", "frozen", "--data", "data", "--folds", "2", "--epochs", "1"]
        return self._work(self.data, arguments, "runs")

    def explain(self) -> Work:
        asked = ["--run", "whole", "--budget", "0", "--format", "html,json", "--method", "saliency"]
        arguments = ["explain", "data/NORMAL", "--output", "out", *asked]
        work = self._work(self.trained(), arguments, "out", traced=True)
        work.may_differ = lambda ended: "cannot be read" in ended.said  # an image is left out
        return work

    def check(self) -> Work:
        work = self._work(self.data, ["check", "data", "--output", "out"], "out")
        work.may_differ = lambda _: self._broken() > 0  # an image could not be read, and is named
        return work

    def _broken(self) -> int:
        found = json.loads((self.zygote.work / "out" / "check.json").read_text())
        return int(found["broken"])

    def ensemble(self) -> Work:
        work = self._work(self.trained(), ["ensemble", "frozen", "whole"], "runs")

        def again() -> Ended:
            """Begin anew, unless it is done: nothing else has its name."""
            for made in (self.zygote.work / "runs").glob("ensemble*"):
                return self.zygote.call(COMMAND, ["diagnose", str(made)])
            return work.begin(NONE, 0)

        work.again = again
        return work

    def cache(self) -> Work:
        def begin(fault: Fault, at: int) -> Ended:
            return self.zygote.call("cache_fill:fill", (), fault, at)

        results = partial(plain_results, below=("out",))
        return Work(self.zygote, self.data, begin, partial(begin, NONE, 0), results)


@pytest.fixture(scope="module")
def commands(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    started = Zygote(tmp_path_factory.mktemp("zygote"), shim, WARM)
    yield Commands(started)
    started.close()


@pytest.fixture(scope="module")
def measured(commands: Commands) -> Callable[[str], Work]:
    @cache
    def begun(name: str) -> Work:
        work: Work = getattr(commands, name)()
        work.measure(NONE)
        return work

    return begun


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
@pytest.mark.parametrize("name", TRIES)
def test_nothing_is_lost(
    name: str, fault: Fault, measured: Callable[[str], Work], tell: Callable[..., None]
) -> None:
    work = measured(name)
    points = fault.points(work.counts, TRIES[name])
    lost = [told for told in (work.attempt(fault, at) for at in points) if told]
    tell(name, fault.name, len(points), len(lost))
    assert lost == []


@pytest.mark.parametrize("name", TRIES)
def test_a_second_time_gives_the_same_to_the_bit(
    name: str, measured: Callable[[str], Work]
) -> None:
    """Else equality after a fault would say nothing."""
    work = measured(name)
    counts, expected = work.counts, work.expected
    work.measure(NONE)
    assert work.expected == expected
    assert work.counts.keys() == counts.keys()
