"""Work in processes of this machine."""

from __future__ import annotations

import os
import signal

import pytest

from zoo import ZooError
from zoo.base.parallel import in_processes


@pytest.mark.slow
def test_tensorflow_says_nothing_in_a_process(capfd: pytest.CaptureFixture[str]) -> None:
    def work(number: int) -> int:
        import tensorflow as tf

        return int(tf.square(number))

    assert sorted(in_processes(work, range(4), 2, None)) == [0, 1, 4, 9]
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_process_that_is_killed_is_told_in_a_sentence(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def work(number: int) -> int:
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with pytest.raises(ZooError, match="One of 2 processes was ended by the system"):
        list(in_processes(work, range(4), 2, None))
    assert capfd.readouterr().err == ""
    assert sorted(in_processes(abs, range(2), 2, None)) == [0, 1], "the next work has new ones"
