"""ONNX Runtime, which computes an ONNX graph on this machine's processor."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import TYPE_CHECKING

from zoo.base.errors import InvalidSetting

if TYPE_CHECKING:
    import numpy as np
    from onnxruntime import InferenceSession

RUNTIME = "onnxruntime"
CHANNELS_FIRST = (0, 3, 1, 2)


def check_runtime() -> None:
    """Refuse a network with an ONNX graph where what computes it is missing.

    Raises:
        InvalidSetting: with the command that installs it.
    """
    if find_spec(RUNTIME) is None:
        raise InvalidSetting(
            "This network is an ONNX file, which ONNX Runtime computes, and that is not installed "
            "here. Install with: pip install 'xray-zoo[export]'"
        )


def session_of(model: str | bytes, cores: int = 0) -> InferenceSession:
    """Make what computes an ONNX file, or its content, on so many cores (0: all of them)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores
    # Threads that wait by turning round and round take a third of the processor's time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # what fails is raised as well, and told in one sentence
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def in_batches(session: InferenceSession, values: np.ndarray, batch: int) -> np.ndarray:
    """Return the only output of `values`, as float32; 0: a batch of any length can be asked for.

    Otherwise exactly `batch` are asked for at once, and the last ones are filled up with zeros.
    """
    import numpy as np

    name = session.get_inputs()[0].name
    if not batch:
        return session.run(None, {name: values})[0].astype(np.float32, copy=False)
    count = batch * max(1, math.ceil(len(values) / batch))
    whole = np.zeros((count, *values.shape[1:]), values.dtype)
    whole[: len(values)] = values
    given = [session.run(None, {name: part})[0] for part in np.split(whole, count // batch)]
    return np.concatenate(given)[: len(values)].astype(np.float32, copy=False)
