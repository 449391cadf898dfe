"""A bucket of S3, served here: a folder in it, and what it refuses."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo import Unreachable, load_registry
from zoo.base import remote
from zoo.base.progress import SILENT
from zoo.data.verify import verify

s3fs = pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(remote, "PAUSE_SECONDS", 0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    served = moto_server.ThreadedMotoServer(port=0)
    served.start()
    host, port = served.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    s3fs.S3FileSystem.clear_instance_cache()
    remote._opened.cache_clear()
    yield served
    served.stop()
    s3fs.S3FileSystem.clear_instance_cache()
    remote._opened.cache_clear()


@pytest.fixture
def bucket(server: Any) -> Any:
    system = s3fs.S3FileSystem()
    if not system.exists("radiographs"):  # buckets outlive a server of this process
        system.mkdir("radiographs")
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 48), np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "png")
        system.pipe(f"radiographs/chests/{'AB'[number % 2]}/{number}.png", stream.getvalue())
    return system


def test_a_folder_of_a_bucket_is_a_data_set(bucket: Any) -> None:
    dataset = load_registry().dataset("s3://radiographs/chests")
    verified = verify(dataset, skip_broken=False, progress=SILENT)
    assert len(verified.digests) == 6
    bucket.rm("radiographs/chests/A/0.png")
    assert len(load_registry().dataset("s3://radiographs/chests").samples) == 5


def test_a_bucket_that_is_not_there_is_said(server: Any) -> None:
    with pytest.raises(Unreachable, match="check the"):
        load_registry().dataset("s3://nobody-has-this/chests")


def test_without_credentials_it_is_said_what_to_give(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Unreachable, match="Give credentials"):
        load_registry().dataset("s3://radiographs/chests")


def test_a_server_that_goes_while_images_are_read_is_no_broken_image(
    server: Any, bucket: Any
) -> None:
    dataset = load_registry().dataset("s3://radiographs/chests")
    dataset.read(dataset.samples[0], None)
    server.stop()
    with pytest.raises(Unreachable, match="Check the connection"):
        verify(dataset, skip_broken=True, progress=SILENT)
    assert dataset.read(dataset.samples[0], None).shape == (40, 48, 3), "it is kept"
