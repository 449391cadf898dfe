"""The main path in Firefox: an example is read, its map goes off and on, a run, a form to train."""

from __future__ import annotations

import shutil
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from zoo import DISCLAIMER
from zoo.base.registry import Registry
from zoo.runs.run_folder import Run
from zoo.web.app.site import create
from zoo.web.service.library import Library

FIREFOX = ("firefox", "firefox-esr")
PATIENCE = 600.0
"""Seconds that only a mistake takes, however busy the machine is."""
COMPLAINTS = """
    const every = Services.console.getMessageArray();
    const told = every.filter((one) => one instanceof Ci.nsIScriptError);
    return told.filter((one) => one.sourceName.startsWith(arguments[0])).map(String);
"""
"""What Firefox says of scripts, styles and the policy of pages below an address."""
SHOWN = "return document.querySelectorAll('.layer:not([hidden])').length"
FITS = "return document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start Firefox, driven by Mozilla's own client: playwright knows patched builds alone."""
    found = [Path(path).resolve() for path in map(shutil.which, FIREFOX) if path]
    program = next((one for one in found if one.with_name("application.ini").exists()), None)
    if program is None:
        pytest.skip("there is no Firefox")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the client itself imports
        driver = pytest.importorskip("marionette_driver.marionette")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        opened = driver.Marionette(
            bin=str(program),
            headless=True,
            port=port,
            startup_timeout=PATIENCE,
            gecko_log=str(tmp_path_factory.mktemp("log")),  # a file would be removed first
        )
        opened.start_session(timeout=PATIENCE)
        opened.timeout.page_load = PATIENCE
        yield opened
        opened.delete_session()
        opened.cleanup()


@pytest.fixture
def address(
    trained: Run, tiny_registry: Registry, served: Callable[[Any], AbstractContextManager[str]]
) -> Iterator[str]:
    with served(create(Library(trained.path.parent, registry=tiny_registry))) as found:
        yield found


@pytest.mark.slow
def test_the_main_path(
    firefox: Any, address: str, trained: Run, until: Callable[[Callable[[], Any]], Any]
) -> None:
    def one(selector: str) -> Any:
        return firefox.find_element("css selector", selector)

    def asked(script: str) -> Any:
        return firefox.execute_script(script)

    def there(selector: str) -> None:
        until(lambda: firefox.find_elements("css selector", selector))

    firefox.navigate(f"{address}/")
    one("[data-example='1']").click()
    there(".reading[data-explained='true'][data-unjudged='false'][aria-busy='false']")
    one("#tour [data-end]").click()
    assert DISCLAIMER in one(".answered").text
    until(lambda: asked(SHOWN) == 1)
    body = one("body")
    body.send_keys("m")
    until(lambda: asked(SHOWN) == 0)
    body.send_keys("m")
    until(lambda: asked(SHOWN) == 1)
    one("[data-act='in']").click()
    scale = "return new DOMMatrix(getComputedStyle(document.querySelector('.layers')).transform).a"
    until(lambda: asked(scale) == pytest.approx(1.5))
    body.send_keys("i")
    there(".windowed:not([hidden])")
    assert asked(FITS)

    firefox.navigate(f"{address}/runs-of-this-folder/{trained.name}")
    there(".sliders:not([hidden])")
    one("[data-slider='threshold']").send_keys("\ue011")  # Home: all are called
    until(lambda: one("[data-rate='sensitivity'][data-part='test']").text == "1.000")
    assert asked(FITS)

    firefox.navigate(f"{address}/train")
    one("input[value='scratch']").click()
    one("form .field > summary, form details > summary").click()
    assert asked("return document.querySelector('form').checkValidity()")
    assert asked("return new FormData(document.querySelector('form')).get('architecture')") == (
        "scratch"
    )
    assert asked(FITS)
    with firefox.using_context("chrome"):
        assert firefox.execute_script(COMPLAINTS, script_args=[address]) == []
