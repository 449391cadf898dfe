"""A server that is told to end while it explains does so in seconds, and well."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from zoo.runs.run_folder import Run

SECONDS = 300
"""As long as only a mistake takes."""
LONG = 60.0
"""Seconds that the explanation that is asked for would take longer than."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("told", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"]
)
def test_it_ends_while_it_explains(
    trained: Run, until: Any, tmp_path: Path, told: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-m", "zoo.cli", "serve", "--port", "0", "--run", str(trained.path)]
    log = tmp_path / "log"
    with (
        log.open("w") as written,
        subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=written, text=True
        ) as server,
    ):
        try:
            address = next(
                found[0]
                for line in server.stdout or ()
                if (found := re.search("http://[^ ]*/", line))
            ).removesuffix("docs")
            until(lambda: health(address)["ready"])
            answers: list[Any] = []
            asking = threading.Thread(target=lambda: answers.append(explained(address)))
            asking.start()
            until(lambda: health(address)["queues"]["explaining"])
            begun = time.monotonic()
            server.send_signal(told)
            assert server.wait(SECONDS) == code
            assert time.monotonic() - begun < LONG
            asking.join(SECONDS)
        finally:
            server.kill()
    assert answers in ([503], ["gone"])
    assert "Traceback" not in log.read_text()


def health(address: str) -> Any:
    with urllib.request.urlopen(f"{address}health", timeout=SECONDS) as response:  # noqa: S310
        return json.load(response)


def explained(address: str) -> Any:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    files = [("files", (f"{n}.png", buffer.getvalue())) for n in range(16)]
    try:
        sent = {"methods": "shap", "trust": "false"}
        return httpx2.post(f"{address}explain", files=files, data=sent, timeout=SECONDS).status_code
    except httpx2.HTTPError:
        return "gone"
