"""A stranger's code is run in time, quietly, and whatever it raises is its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo import load_registry
from zoo.base import strangers

Install = Callable[[str, str], Path]

TALKING = """
from zoo import Architecture, hookimpl

print("Welcome!")

@hookimpl
def zoo_architectures():
    print("Hello!")
    return [Architecture(name="loud", summary="", build=lambda *_: None, parameters=1)]
"""
HANGING = """
import time
try:
    time.sleep(500)
except Exception:
    pass
"""
ASKED = """
import time
from zoo import hookimpl

@hookimpl
def zoo_architectures():
    time.sleep(500)
"""


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Import each stranger anew, though others had its name."""
    monkeypatch.delitem(sys.modules, "raising", raising=False)


def zoo_list(site: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zoo.cli", "list", "--json"],
        env={**os.environ, "PYTHONPATH": str(site), **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_what_a_plugin_prints_keeps_out_of_the_results(install: Install) -> None:
    site = install("talking", TALKING)
    result = zoo_list(site)
    assert result.returncode == 0
    assert "loud" in {one["name"] for one in json.loads(result.stdout)["architectures"]}
    assert "Welcome!" in result.stderr
    assert "Hello!" in result.stderr


def test_a_plugin_that_hangs_is_named_and_ended(install: Install) -> None:
    site = install("hanging", HANGING)
    install("hanging_later", ASKED)
    result = zoo_list(site, ZOO_PLUGIN_SECONDS="0.5")
    assert result.returncode == 0
    listed = json.loads(result.stdout)
    broken = {one["name"]: one["reason"] for one in listed["broken"]}
    assert "cannot be imported: takes longer than 0.5 seconds" in broken["hanging:hanging"]
    assert "when asked what it gives: takes longer" in broken["hanging_later:hanging_later"]
    assert len(listed["architectures"]) >= 4


def test_the_plugin_that_is_waited_for_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(strangers, "PATIENCE", 0.05)
    monkeypatch.setenv(strangers.VARIABLE, "60")
    told = threading.Event()
    monkeypatch.setattr(strangers, "_name", _then(strangers._name, told))
    strangers.ask("slow:slow", lambda: told.wait(60))
    assert "Waiting for the plugin 'slow:slow', at most 60 seconds" in capsys.readouterr().err


def _then(function: Callable[..., None], told: threading.Event) -> Callable[..., None]:
    def both(*given: Any) -> None:
        function(*given)
        told.set()

    return both


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan", "inf"])
def test_a_limit_that_is_none_is_the_usual_one(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(strangers.VARIABLE, value)
    assert strangers._limit() == strangers.SECONDS


def test_no_alarm_is_left_behind_and_that_of_others_is_left_alone() -> None:
    handlers = signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGINT)
    strangers.ask("quick", lambda: None)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    signal.setitimer(signal.ITIMER_REAL, 500)
    try:
        strangers.ask("quick", lambda: None)
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 500
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    assert handlers == (signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGINT))


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("class Own(BaseException): pass\nraise Own('gone')", "Own: gone"),
        ("raise RuntimeError('a' * 5000)", "aaa..."),
        ("raise RuntimeError('\\x1b[31mred\\nrow')", "RuntimeError: [31mred row"),
        (
            "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute",
            "cannot be imported: Mute",
        ),
    ],
)
def test_whatever_a_module_raises_is_its_own(install: Install, raised: str, reason: str) -> None:
    install("raising", raised)
    found = load_registry()
    assert reason in {broken.name: broken.reason for broken in found.broken}["raising:raising"]
    assert "alexnet" in found.architectures


def test_a_key_that_is_pressed_still_stops() -> None:
    # A process that was started in the background ignores the key.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def pressed() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)

    try:
        with pytest.raises(KeyboardInterrupt):
            strangers.ask("slow:slow", pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_are_served_and_output_comes_back() -> None:
    before = sys.stdout
    inside, out = threading.Event(), threading.Event()

    def work() -> str:
        inside.set()
        assert out.wait(60)
        return "given"

    given: list[str] = []
    thread = threading.Thread(target=lambda: given.append(strangers.ask("a:a", work)))
    strangers.ask("b:b", lambda: (thread.start(), inside.wait(60)))
    assert sys.stdout is sys.stderr  # the other one is still inside
    out.set()
    thread.join(60)
    assert given == ["given"]
    assert sys.stdout is before
