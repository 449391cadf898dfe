"""One thing at a time, in order, within a limit and a deadline."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError, wait

import pytest

from zoo.base import interruption
from zoo.web.service.limits import Expired, Overloaded
from zoo.web.service.queue import Deadline, Queue

SECONDS = 600


def test_a_queue_works_in_order_and_refuses_beyond_its_limit() -> None:
    queue, gate, done = Queue("test", waiting=2), threading.Event(), []
    first = queue.submit(gate.wait)
    waiting = [queue.submit(lambda n=n: done.append(n)) for n in range(2)]
    assert queue.length == 3
    with pytest.raises(Overloaded, match="3 requests"):
        queue.submit(gate.wait)
    assert waiting[0].cancel()
    last = queue.submit(lambda: done.append(9))
    gate.set()
    wait([first, waiting[1], last], timeout=SECONDS)
    assert done == [1, 9]
    with pytest.raises(CancelledError):
        waiting[0].result()
    queue.submit(lambda: None).result(timeout=SECONDS)
    queue.close()


def test_a_queue_goes_on_after_an_error() -> None:
    queue = Queue("test", waiting=0)
    with pytest.raises(ZeroDivisionError):
        queue.submit(lambda: 1 / 0).result(timeout=SECONDS)
    assert queue.submit(lambda: 7).result(timeout=SECONDS) == 7
    queue.close()


def test_whoever_has_an_answer_may_ask_again_at_once() -> None:
    queue = Queue("test", waiting=0)
    gate = threading.Event()
    answer = queue.submit(gate.wait)
    with queue._lock:  # nobody can leave now
        gate.set()
        assert not wait([answer], timeout=0.5).done
    assert answer.result(timeout=SECONDS)
    assert queue.length == 0
    queue.close()


def test_a_deadline_ends_work_at_its_next_step() -> None:
    deadline = Deadline(60)
    deadline.advance()
    deadline.give_up()
    with pytest.raises(Expired):
        deadline.advance()
    with pytest.raises(Expired):
        Deadline(0).check()


def test_what_is_at_work_ends_when_the_queue_is_closed() -> None:
    queue, begun, passes = Queue("test", waiting=2), threading.Event(), []

    def long() -> None:
        while len(passes) < SECONDS:
            begun.set()
            interruption.check()
            passes.append(time.sleep(0.01))

    at_work, waits = queue.submit(long), queue.submit(long)
    assert begun.wait(SECONDS)
    queue.close()
    with pytest.raises(Expired, match="stopped"):
        at_work.result(SECONDS)
    with pytest.raises(CancelledError):
        waits.result(SECONDS)
