"""No file ends a command, hangs or fills the memory, however wrong its structure is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("hostile_files.py")
SEED = 1
SECONDS, MEGABYTES = 5, 500


@pytest.mark.parametrize("count", [100, pytest.param(2_000, marks=pytest.mark.slow)])
def test_every_file_is_read_or_refused_in_words(count: int) -> None:
    done = subprocess.run(  # noqa: S603 (our own words)
        [sys.executable, str(SCRIPT), str(SEED), str(count)],
        capture_output=True,
        text=True,
        timeout=3 * count,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert not found["failures"], "\n".join(found["failures"])
    assert found["seconds"] < SECONDS  # of the processor, so that a busy machine is no fault
    assert found["megabytes"] < MEGABYTES
    for kind in ("PNG", "JPEG", "TIFF", "simple", "DICOM"):  # neither all are whole nor all broken
        assert found["outcomes"].get(f"{kind} read")
        assert found["outcomes"].get(f"{kind} refused")
