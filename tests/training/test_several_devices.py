"""Two devices learn what one learns. TensorFlow divides the processor in two before it begins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[1] / "shared"

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)

from small_trainings import alike, learned

from zoo.training import checkpoint, devices
from zoo.training.execution import Execution

folder = Path(sys.argv[1])
assert devices.chosen("all") == ("CPU:0", "CPU:1"), devices.chosen("all")
assert devices.strategy(("CPU:0",)) is None
both = Execution(devices=devices.chosen("2"))
one, rows, _, _ = learned(folder, Execution(), normalising=True)
other, told, _, _ = learned(folder, both, normalising=True)
alike(told, rows, rtol=1e-4)
for weight, wanted in zip(other.get_weights(), one.get_weights(), strict=True):
    np.testing.assert_allclose(weight, wanted, rtol=1e-3, atol=1e-5)

_, told, _, _ = learned(folder, replace(both, accumulate=2))
_, rows, _, _ = learned(folder, Execution())
alike(told, rows, rtol=1e-4)

# Begun on one device, it goes on with two, or with the second alone.
learned(folder, Execution(), epochs=1)
state = checkpoint.load(folder / "checkpoint.npz").state
saved, results = (folder / "checkpoint.npz").read_bytes(), []
for execution in (Execution(), both, Execution(devices=("CPU:1",))):
    (folder / "checkpoint.npz").write_bytes(saved)
    again = replace(state, history=list(state.history), stopped=False)
    results.append(learned(folder, execution, state=again)[1])
alike(results[1], results[0], rtol=1e-4)
alike(results[2], results[0], rtol=1e-4)

# What is random on one device is on two as well.
learned(folder, both, epochs=1, dropout=0.5)
"""


@pytest.mark.slow
def test_two_devices_learn_what_one_learns(tmp_path):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(SHARED)}
    done = subprocess.run(  # noqa: S603 (our own script)
        [sys.executable, "-c", SCRIPT, tmp_path],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
