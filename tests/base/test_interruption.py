"""Work that is long asks between its steps whether it may go on."""

from __future__ import annotations

import threading

import pytest

from zoo.base import interruption


class Enough(Exception):
    pass


def test_whoever_is_around_is_asked_too_and_first() -> None:
    asked: list[str] = []
    with interruption.asking(lambda: asked.append("outer")):
        with interruption.asking(lambda: asked.append("inner")):
            interruption.check()
        interruption.check()
    interruption.check()
    assert asked == ["outer", "inner", "outer"]


def test_it_ends_with_what_the_one_who_is_asked_raises() -> None:
    def no() -> None:
        raise Enough

    for _ in range(2):
        with pytest.raises(Enough), interruption.asking(no):
            interruption.check()
        interruption.check()


def test_each_thread_has_its_own() -> None:
    asked: list[str] = []
    with interruption.asking(lambda: asked.append("this one")):
        other = threading.Thread(target=interruption.check)
        other.start()
        other.join()
    assert asked == []


def test_who_need_not_wait_goes_on_without_what_cannot_be_ended() -> None:
    gate, done, enough = threading.Event(), threading.Event(), threading.Event()

    def work() -> int:
        enough.set()
        assert gate.wait(300)
        done.set()
        return 7

    def ask() -> None:
        if enough.is_set():
            raise Enough

    with pytest.raises(Enough), interruption.asking(ask):
        interruption.apart(work)
    assert not done.is_set()
    gate.set()
    assert done.wait(300)
    assert interruption.apart(work) == 7
    with pytest.raises(ZeroDivisionError):
        interruption.apart(lambda: 1 / 0)
