"""What several tests share: folders, pictures, a stranger's plugin, a run, a server, a browser."""

from __future__ import annotations

import gc
import os
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from PIL import Image

from zoo import DISCLAIMER, Architecture, Option, hookimpl
from zoo.base import registry
from zoo.base.registry import Registry
from zoo.runs.run_folder import Run

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")  # how fast the machine is says nothing of the code

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = os.environ.get("ZOO_BROWSER") == "required"
if REQUIRED:
    import playwright  # noqa: F401 (without it its tests would be skipped)
PATIENCE = 600.0
"""Seconds that only a mistake takes, however busy the machine is: nobody waits for them else."""
TINY_INPUT = (64, 64, 3)
TINY_SOURCE = "phantom?images=80&size=64"


def pytest_configure(config: pytest.Config) -> None:
    """Interpret what SHAP would compile for seconds in each process, but among the slow tests."""
    if "not slow" in config.option.markexpr:
        os.environ.setdefault("NUMBA_DISABLE_JIT", "1")


def pytest_collection_finish() -> None:
    """Spare each later search for garbage what the imports have made, which is most there is."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep features and runs of the tests away from those of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("ZOO_RUNS", str(tmp_path_factory.mktemp("no-runs")))
        yield


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """Wait for no disk: no test pulls the plug, and thousands of small files are written."""
    connected = sqlite3.connect

    def connect(*given: Any, **named: Any) -> sqlite3.Connection:
        opened = connected(*given, **named)
        with suppress(sqlite3.DatabaseError):  # the file is none of SQLite's
            opened.execute("PRAGMA synchronous = OFF")
        return opened

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(sqlite3, "connect", connect)
        yield


def build_tiny(input_shape: tuple[int, int, int], num_classes: int, dropout: float = 0.1) -> Any:
    import keras
    from keras import layers

    pixels = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    for filters in (8, 16):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, layers.Dense(num_classes)(x))


class TinyPlugin:
    """A plugin with one network that trains in seconds."""

    __name__ = "tiny_plugin"

    @hookimpl
    def zoo_architectures(self) -> list[Architecture]:
        return [
            Architecture(
                name="tiny",
                summary="Two convolutions.",
                build=build_tiny,
                parameters=1426,
                input_shape=TINY_INPUT,
                options={"dropout": Option(0.1, "Share of features left out.")},
                recipe={"epochs": 2, "learning_rate": 0.01},
            )
        ]


@pytest.fixture(scope="session")
def tiny_registry() -> Registry:
    """Everything that is installed, and the architecture `tiny`."""
    return registry.load_registry(TinyPlugin())


@pytest.fixture(scope="session")
def trained(tiny_registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run, alone in its folder. Tests that change it take `run_copy`."""
    from zoo.workflows import train

    folder = tmp_path_factory.mktemp("runs")
    return train.train("tiny", TINY_SOURCE, folder=folder, registry=tiny_registry)


@pytest.fixture
def run_copy(trained: Run, tmp_path: Path) -> Path:
    """A copy of the run as it was trained, alone in its folder, for tests that damage it."""
    measured_since = shutil.ignore_patterns(
        "audit", "evaluation", "export", "global", "stress", "trust"
    )
    return Path(shutil.copytree(trained.path, tmp_path / "runs" / "copy", ignore=measured_since))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Install a one-module package whose entry point in the group `zoo` is that module."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def installed(name: str, source: str) -> Path:
        information = site / f"{name}-1.0.dist-info"
        information.mkdir()
        (site / f"{name}.py").write_text(source)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0")
        (information / "entry_points.txt").write_text(f"[zoo]\n{name} = {name}\n")
        return site

    return installed


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], Any]], Any]:
    """Ask again and again for what comes from another thread or process, and return it."""

    def answered(asked: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := asked():
                return found
            time.sleep(0.05)
        pytest.fail("it did not happen")

    return answered


@pytest.fixture(scope="session")
def served() -> Callable[..., AbstractContextManager[str]]:
    """Serve an application on a free port of this machine, and give its address."""
    from zoo.cli.serving import address, listen

    @contextmanager
    def serving(app: Any, trusted: Sequence[Any] = ()) -> Iterator[str]:
        from zoo.web.service.server import server as server_of

        with listen("127.0.0.1", 0) as listening:
            listening.listen()  # whoever comes before the server is ready waits, and is not refused
            server = server_of(app, trusted)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            try:
                yield address("127.0.0.1", listening).rstrip("/")
            finally:
                server.should_exit = True
                thread.join(PATIENCE)
            assert not thread.is_alive()

    return serving


@contextmanager
def launched() -> Iterator[Any]:
    """Start a browser, or skip where there is none, unless ZOO_BROWSER says that it is required."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:
        program = None
    if program is None:
        (pytest.fail if REQUIRED else pytest.skip)("there is no chromium, or no playwright")
    expect.set_options(timeout=1000 * PATIENCE)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as opened:
        yield opened


@pytest.fixture(scope="module")
def visit(browser: Any) -> Callable[..., AbstractContextManager[Any]]:
    """Open an address; afterwards nothing was asked of another host and nothing went wrong."""

    @contextmanager
    def visiting(address: str, width: int, height: int, **look: str) -> Iterator[Any]:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            base_url=address,
            accept_downloads=True,
            **look,
        )
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        asked: list[str] = []
        wrong: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto("/")
        yield page
        context.close()
        assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
        assert wrong == []

    return visiting


@pytest.fixture(scope="session")
def accessible() -> Iterator[Callable[[str], None]]:
    """Check a page with axe-core, wide and light, narrow and dark, and that it fits in width.

    Its browser stays for all pages, in a thread of its own: the event loop of playwright would be
    in the way of other tests in this one.
    """
    axe = pytest.importorskip("accessibility")
    held = ExitStack()

    def check(text: str) -> None:
        with browser.new_context() as context:
            page = context.new_page()
            for width, scheme in ((1280, "light"), (390, "dark")):
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme=scheme)
                if scheme == "light":
                    page.set_content(text)
                assert axe.violations(page) == [], (width, scheme)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width

    with ThreadPoolExecutor(1) as apart:
        browser = apart.submit(held.enter_context, launched()).result()
        yield lambda text: apart.submit(check, text).result()
        apart.submit(held.close).result()


@pytest.fixture(scope="session")
def shown() -> Callable[[str], str]:
    """Check that a page needs nothing from outside and runs nothing, and return its visible words.

    Its pictures are inside, each with a text in its place, and the disclaimer is there.
    """

    def words(text: str) -> str:
        assert "<script" not in text
        assert not re.search(r"https?://|url\((?!#)|@import", text)
        for image in re.findall(r"<img [^>]*>", text):
            assert 'src="data:image/' in image
            assert re.search(r'alt="[^"]+"', image)
        assert DISCLAIMER in text
        body = re.sub(r"(?s)<style>.*?</style>", "", text).replace("&nbsp;", " ")
        return " ".join(re.sub(r"<[^>]+>", " ", body).split())

    return words


@pytest.fixture
def counted() -> Callable[[Any], float]:
    """Sum up the images that a service says it has answered, given a client of it."""

    def told(client: Any) -> float:
        lines = client.get("/metrics").text.splitlines()
        images = [line for line in lines if line.startswith("zoo_images_answered_total{")]
        return sum(float(line.rpartition(" ")[2]) for line in images)

    return told


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Write a PNG of noise, another one for each seed."""

    def written(name: str, seed: int = 0, size: tuple[int, int] = (64, 64)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(noise).save(path)
        return path

    return written


@pytest.fixture
def class_folders(picture: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with the classes NORMAL and PNEUMONIA, ten images each."""
    for label, name in enumerate(("NORMAL", "PNEUMONIA")):
        for number in range(10):
            picture(f"data/{name}/{name.lower()}{number}.png", seed=100 * label + number)
    return tmp_path / "data"
