"""Whether a batch fits into memory, and in how many parts it does."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from zoo.base.errors import ZooError
from zoo.training.execution import Execution

LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What a container may take, in bytes or 'max'."""
SHARE = 0.8
"""Of the memory that is free: the estimate is one."""
GRADIENTS = 1.25
"""What layers give is kept for the way back, where a few of them have gradients at a time."""
UNKEPT = ("Dropout", "Identity", "ReLU", "Rescaling", "ZeroPadding2D")
"""What these give is computed in place, or follows from what came before."""
NORMALISING = 3
"""Times that what it gives is held by batch normalisation that learns."""
COPIES = 6
"""Weights, gradients, two moments, a running mean and the best ones."""


def in_more_parts(execution: Execution, batch_size: int, error: Exception) -> Execution:
    """Return the same with twice as many parts of a batch, after memory was too short for those.

    XLA takes no parts of a size that is not known before.

    Raises:
        ZooError: a part had one image already.
    """
    if execution.accumulate >= batch_size:
        raise ZooError(
            "Memory is too short to train on a single image. Choose a smaller --input or "
            "architecture, or end other programs that use this device."
        ) from error
    parts = min(2 * execution.accumulate, batch_size)
    return replace(execution, accumulate=parts, xla=False)


def told_of_parts(execution: Execution, batch_size: int) -> str:
    """Say that batches are computed in parts because memory is short."""
    return (
        f"Memory is short: each batch of {batch_size} images is computed in "
        f"{execution.accumulate} parts, as with --set accumulate={execution.accumulate}. That "
        "takes longer; a step still counts all its images."
    )


def parts_that_fit(network: Any, batch_size: int, least: int, free: float) -> int:
    """Return in how many parts a batch fits into `free` bytes, `least` or that doubled some times.

    The estimate is coarse: what is kept for the way back, and several copies of the weights.
    """
    weights = COPIES * sum(4 * int(np.prod(weight.shape)) for weight in network.weights)
    image, parts = GRADIENTS * activations(network), least
    while parts < batch_size and weights + image * -(-batch_size // parts) > SHARE * free:
        parts = min(2 * parts, batch_size)
    return parts


def activations(network: Any) -> int:
    """Return the bytes of one image that a flat network keeps on the way forth, in float32."""
    return sum(
        4 * _times(operation) * int(np.prod([side or 1 for side in tensor.shape[1:]]))
        for operation in network.operations
        for tensor in operation._inbound_nodes[0].output_tensors
    )


def _times(operation: Any) -> int:
    kind = type(operation).__name__
    if kind == "BatchNormalization":
        return NORMALISING if operation.trainable else 0
    return 0 if kind in UNKEPT else 1


def free_memory(device: str) -> float:
    """Return the bytes that a device, such as 'GPU:0' or 'CPU:0', has left for TensorFlow.

    Infinite for a card that does not tell.
    """
    if device.startswith("GPU"):
        import tensorflow as tf
        from tensorflow.python.client import device_lib  # nothing public tells the limit

        limits = {one.name: one.memory_limit for one in device_lib.list_local_devices()}
        try:
            taken = tf.config.experimental.get_memory_info(device)["current"]
            return float(limits[f"/device:{device}"] - taken)
        except (ValueError, KeyError):
            return math.inf
    free = psutil.virtual_memory().available
    try:
        limit = int(LIMIT.read_text())
    except (OSError, ValueError):  # no such limit
        return float(free)
    return float(min(free, limit - psutil.Process().memory_info().rss))
