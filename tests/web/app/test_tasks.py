"""Slow work: progress, ends, cancelling."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from zoo import BadInput, UnknownName
from zoo.base import interruption
from zoo.web.app.tasks import BUG, Task, Tasks
from zoo.web.service.queue import Queue

SECONDS = 600
"""As long as only a mistake takes, however busy the machine is."""


@pytest.fixture
def queue() -> Iterator[Queue]:
    made = Queue("test", 8)
    yield made
    made.close()


def ended(task: Task) -> Task:
    assert task._future is not None
    with contextlib.suppress(CancelledError):  # it never began
        task._future.result(SECONDS)
    return task


def test_work_tells_how_far_it_is_and_gives_its_result(queue: Queue) -> None:
    def work(task: Task) -> int:
        task.start("counting", 3)
        task.advance(2)
        return 7

    task = ended(Tasks().start("me", "title", queue, work))
    told = task.told()
    assert (told["state"], told["note"], told["done"], told["total"]) == ("done", "counting", 2, 3)
    assert told["result"] == 7
    assert told["left"], "how long the rest would take"


def test_a_user_error_is_its_sentence_and_a_bug_is_not(queue: Queue) -> None:
    def refuse(_: Task) -> None:
        raise BadInput("The file is empty.")

    def fail(_: Task) -> None:
        raise RuntimeError("/secret/path")

    assert ended(Tasks().start("me", "t", queue, refuse)).told()["error"] == "The file is empty."
    told = ended(Tasks().start("me", "t", queue, fail)).told()
    assert (told["state"], told["error"]) == ("failed", BUG)
    assert "secret" not in str(told)


def test_cancelled_work_ends_at_its_next_step(queue: Queue) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(task: Task) -> None:
        begun.set()
        assert go_on.wait(SECONDS)
        task.advance()
        raise AssertionError("it went on")

    task = Tasks().start("me", "t", queue, work)
    assert begun.wait(SECONDS)
    task.cancel()
    assert task.told()["state"] == "cancelled"  # at once, though it has not heard of it yet
    go_on.set()
    assert ended(task).told()["state"] == "cancelled"
    task = ended(Tasks().start("me", "t", queue, lambda _: 7))
    task.cancel()
    assert task.told()["state"] == "done"


def test_waiting_work_that_is_cancelled_never_begins(queue: Queue) -> None:
    hold, began = threading.Event(), []
    tasks = Tasks()
    first = tasks.start("me", "t", queue, lambda _: hold.wait(SECONDS))
    second = tasks.start("me", "t", queue, lambda _: began.append(1))
    tasks.start("other", "t", queue, lambda _: began.append(2))
    elsewhere = Queue("elsewhere", 4)
    longer = tasks.start("me", "t", elsewhere, lambda _: 3)
    tasks.cancel_all("me", queue)
    assert ended(longer).result == 3
    elsewhere.close()
    assert second.state == "cancelled"
    hold.set()
    assert ended(first).state == "cancelled"
    queue.submit(lambda: None).result(SECONDS)
    assert began == [2]


def test_only_the_owner_finds_a_task(queue: Queue) -> None:
    tasks = Tasks()
    task = tasks.start("me", "t", queue, lambda _: None)
    assert tasks.find("me", task.id) is task
    for owner, key in (("other", task.id), ("me", "unknown")):
        with pytest.raises(UnknownName):
            tasks.find(owner, key)


def test_work_is_asked_between_its_steps_whether_it_was_cancelled(queue: Queue) -> None:
    passes: list[int] = []

    def work(task: Task) -> None:
        interruption.check()
        passes.append(1)
        task.cancel()
        interruption.check()
        passes.append(2)

    assert ended(Tasks().start("me", "t", queue, work)).state == "cancelled"
    assert passes == [1]
    interruption.check()  # nobody is asked any more
