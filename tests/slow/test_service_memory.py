"""Four pictures of 100 million pixels at once cost the service less than 1 GB."""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from zoo.runs.run_folder import Run

STATUS, CLEAR = Path("/proc/{}/status"), Path("/proc/{}/clear_refs")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc"),
]
SIDE, AT_ONCE, MEGABYTES = 10_000, 4, 1_000
PATIENCE = 600


def film(kind: type[np.unsignedinteger], bits: int) -> np.ndarray:
    """Draw `(SIDE, SIDE)` values that pack to a part of their bytes, as a radiograph's do."""
    noise = np.random.default_rng(0).integers(0, 4, (500, SIDE)).astype(kind)
    slope = np.linspace(0, 2**bits - 8, SIDE).astype(kind)
    return np.tile(noise, (SIDE // 500, 1)) + slope


def gray_png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(film(np.uint8, 8)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def deep_png() -> bytes:
    return bytes(imagecodecs.png_encode(film(np.uint16, 16), level=1))


def dicom_jpeg() -> bytes:
    frame = imagecodecs.jpeg8_encode(film(np.uint16, 12), lossless=True, bitspersample=12)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.SOPClassUID = pydicom.uid.ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = "1.2.3"
    dataset.set_pixel_data(np.zeros((8, 8), np.uint16), "MONOCHROME2", 12)
    dataset.Rows = dataset.Columns = SIDE
    dataset.PixelData = encapsulate([bytes(frame)])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLosslessSV1
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


class Server:
    """`zoo serve` in a process of its own."""

    def __init__(self, runs: Path) -> None:
        command = [sys.executable, "-m", "zoo.cli", "serve", "--runs", str(runs), "--port", "0"]
        self.process = subprocess.Popen(  # noqa: S603 (our own words)
            command, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        told = re.search(r":(\d+)/docs", self.process.stdout.readline())
        assert told is not None
        self.address = ("127.0.0.1", int(told[1]))

    def predict(self, content: bytes) -> int:
        body = (
            b'--edge\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\n'
            + content
            + b"\r\n--edge--\r\n"
        )
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        kind = {"Content-Type": "multipart/form-data; boundary=edge"}
        connection.request("POST", "/predict", body, kind)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def ready(self) -> bool:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(self.address):
            return True
        return False

    def memory(self, line: str) -> float:
        """Return megabytes: VmRSS, in use now; VmHWM, the most since `forget`."""
        status = Path(str(STATUS).format(self.process.pid)).read_text()
        found = re.search(rf"^{line}:\s+(\d+) kB", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) / 1024

    def forget(self) -> None:
        """Let the peak be counted anew."""
        Path(str(CLEAR).format(self.process.pid)).write_text("5")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server(trained: Run, until: Callable[[Callable[[], bool]], bool]) -> Iterator[Server]:
    started = Server(trained.path.parent)
    small = io.BytesIO()
    Image.new("L", (64, 64), 90).save(small, "PNG")
    try:
        until(started.ready)
        for _ in range(3):  # what is loaded once is no cost of a picture
            assert started.predict(small.getvalue()) == 200
        yield started
    finally:
        started.stop()


@pytest.mark.parametrize("make", [gray_png, deep_png, dicom_jpeg])
def test_four_large_pictures_at_once(make: Callable[[], bytes], server: Server) -> None:
    content = make()
    before = server.memory("VmRSS")
    server.forget()
    with ThreadPoolExecutor(AT_ONCE) as clients:
        answers = list(clients.map(server.predict, [content] * AT_ONCE))
    peak = server.memory("VmHWM")
    assert 200 in answers
    assert {200, 503}.issuperset(answers), "a slow machine gives some up"
    assert peak - before < MEGABYTES
