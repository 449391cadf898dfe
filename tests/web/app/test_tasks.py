"""Slow work: progress, ends, cancelling, and a classifier that can be interrupted."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError

import numpy as np
import pytest

from zoo import BadInput, UnknownName
from zoo.web.app.tasks import BUG, Cancelled, Task, Tasks
from zoo.web.service.interruption import Interruptible
from zoo.web.service.queue import Queue

SECONDS = 300
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
    go_on.set()
    assert ended(task).told()["state"] == "cancelled"


def test_waiting_work_that_is_cancelled_never_begins(queue: Queue) -> None:
    hold, began = threading.Event(), []
    tasks = Tasks()
    first = tasks.start("me", "t", queue, lambda _: hold.wait(SECONDS))
    second = tasks.start("me", "t", queue, lambda _: began.append(1))
    tasks.start("other", "t", queue, lambda _: began.append(2))
    tasks.cancel_all("me")
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


class Counting:
    """Stands for a classifier; counts the passes through its network."""

    temperature = 2.0

    def __init__(self) -> None:
        self.passes = 0

    def logits(self, pixels: np.ndarray, boxes: np.ndarray | None = None) -> np.ndarray:
        self.passes += 1
        return np.zeros((len(pixels), 2))


def test_a_classifier_is_interrupted_before_its_next_pass() -> None:
    behind = Counting()
    classifier = Interruptible(behind)  # type: ignore[arg-type]
    task = Task("t", "me")
    pixels = np.zeros((1, 2, 2, 3))
    assert classifier.temperature == 2.0
    with classifier.asking(task.check):
        classifier.logits(pixels)
        task.cancel()
        with pytest.raises(Cancelled):
            classifier.logits(pixels)
    assert behind.passes == 1
    classifier.logits(pixels)  # nobody is asked any more
    assert behind.passes == 2
