"""What libraries write past Python while they are loaded is kept, and shown when it fails."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import zoo
from zoo.base.quiet_import import quietly, uncollected

NOISE = b"custom operations are on\n"


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow looks as if it had not been imported yet."""
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.mark.usefixtures("unloaded")
def test_noise_is_kept_and_later_words_are_not(capfd: pytest.CaptureFixture[str]) -> None:
    with quietly():
        os.write(2, NOISE)
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


@pytest.mark.usefixtures("unloaded")
def test_it_is_shown_when_the_import_fails(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImportError), quietly():
        os.write(2, NOISE)
        raise ImportError
    assert capfd.readouterr().err.encode() == NOISE


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize("in_notebook", [True, False])
def test_the_door_is_quiet_in_a_notebook_alone(
    in_notebook: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if in_notebook:
        monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    else:
        monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr(zoo, "_load", lambda name: (os.write(2, NOISE), name)[1])
    assert zoo.__getattr__("anything") == "anything"
    assert capfd.readouterr().err.encode() == (b"" if in_notebook else NOISE)


@pytest.mark.parametrize(("name", "loaded"), [("fetch_data", True), ("Option", False)])
def test_in_a_notebook_what_may_import_it_later_imports_it_at_once(
    name: str, loaded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = []

    @contextlib.contextmanager
    def noted() -> Iterator[None]:
        imported.append(name)
        yield

    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setattr("zoo.base.quiet_import.quiet_import", noted)
    assert zoo.__getattr__(name) is getattr(zoo, name)
    assert imported == [name] * loaded


@pytest.mark.parametrize("before", [True, False])
def test_no_garbage_is_looked_for_meanwhile_and_then_as_before(before: bool) -> None:
    was = gc.isenabled()
    (gc.enable if before else gc.disable)()
    try:
        with pytest.raises(ImportError), uncollected():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled() is before
    finally:
        (gc.enable if was else gc.disable)()
