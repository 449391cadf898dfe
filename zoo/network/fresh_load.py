"""Load a saved network in a process of its own and answer to pictures: does it still do so there?

`python -m zoo.network.fresh_load FOLDER` reads `model.keras`, `origin.json` and `pixels.npy` there
and writes `logits.npy`. What fails is one line on standard error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.errors import in_a_line
from zoo.base.files import write_text
from zoo.network.plugin_layers import Origin, load

MODEL, ORIGIN, PIXELS, LOGITS = "model.keras", "origin.json", "pixels.npy", "logits.npy"
SECONDS = 600
"""How long it may take: most of it is the import of TensorFlow, on a busy machine."""


def logits_elsewhere(folder: Path, origin: Origin, pixels: np.ndarray) -> np.ndarray:
    """Return the logits of the saved network in `folder`, computed in a fresh process.

    Raises:
        RuntimeError: it cannot be loaded there; the message says why.
    """
    write_text(folder / ORIGIN, json.dumps(origin.to_record()))
    np.save(folder / PIXELS, pixels)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "CUDA_VISIBLE_DEVICES": "-1",  # this process may hold all of the card's memory
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-m", __name__, str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 (this module, in a folder of its own)
            command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"no answer within {SECONDS} seconds") from error
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return np.load(folder / LOGITS)


def main(folder: Path) -> None:
    """Load, answer, write."""
    origin = Origin.from_record(json.loads((folder / ORIGIN).read_text("utf-8")))
    try:
        model: Any = load(folder / MODEL, [origin])
        np.save(folder / LOGITS, np.asarray(model(np.load(folder / PIXELS), training=False)))
    except Exception as error:  # told in one line, whatever it is
        raise SystemExit(in_a_line(error)) from None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
