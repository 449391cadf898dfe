"""Uploads, queues, the audit log, the library and the guard's parts, without any web framework."""

from __future__ import annotations

import io
import json
import shutil
import stat
import threading
import weakref
from concurrent.futures import CancelledError, wait
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo import BadInput, InvalidSetting, UnknownName
from zoo.base.registry import Registry
from zoo.cli import main, serving
from zoo.cli.serving import listen
from zoo.runs.run_folder import Run
from zoo.web.service import security
from zoo.web.service.engine import Library
from zoo.web.service.journal import Journal
from zoo.web.service.limits import Expired, Limits, Overloaded, TooLarge, Unavailable
from zoo.web.service.queue import Deadline, Queue
from zoo.web.service.security import Password, check_exposure, password_from
from zoo.web.service.uploads import NAME_LENGTH, accept, as_images, display_name

SECONDS = 300
"""As long as only a mistake takes, however busy the machine is."""


def png(width: int = 64, height: int = 64, seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("chest.png", "chest.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\Müller.dcm", "Müller.dcm"),
        ("a\x00b\nc\u202egnp.exe", "abcgnp.exe"),
        ("", "image"),
        ("..", "image"),
        ("///", "image"),
        ("\u200b", "image"),
    ],
)
def test_display_name(sent: str, shown: str) -> None:
    assert display_name(sent) == shown


@given(st.text())
def test_a_display_name_is_short_and_has_no_folder(name: str) -> None:
    shown = display_name(name)
    assert 0 < len(shown) <= NAME_LENGTH
    assert not set(shown) & set("/\\\n\r\x00")
    assert shown not in (".", "..")


def test_a_long_name_keeps_its_ending() -> None:
    assert display_name("x" * 500 + ".png").endswith("x.png")


def test_accept_refuses_by_content_and_size() -> None:
    with pytest.raises(BadInput, match="is empty"):
        accept(b"", "a.png", Limits())
    with pytest.raises(TooLarge, match=r"2 MB; the limit is 1 MB"):
        accept(bytes(2_000_000), "a.png", Limits(file_bytes=1_000_000))
    with pytest.raises(TooLarge, match="pixels, the limit"):
        accept(png(), "a.png", Limits(pixels=64 * 64 - 1))
    assert accept(png(), "a.png", Limits(pixels=64 * 64)).name == "a.png"


def test_decoding_follows_the_run(trained: Run) -> None:
    uploads = [accept(png(seed=s), f"{s}.png", Limits()) for s in (1, 2)]
    images = as_images(uploads, trained)
    assert images.pixels.shape == (2, 64, 64, 3)
    assert images.digests == tuple(own.digest for own in uploads)
    assert images.digests[0] != images.digests[1]
    with pytest.raises(BadInput, match=r"cut\.png"):
        as_images([*uploads, accept(png()[:-200], "cut.png", Limits())], trained)


def test_a_lane_works_in_order_and_refuses_beyond_its_limit() -> None:
    lane, gate, done = Queue("test", waiting=2), threading.Event(), []
    first = lane.submit(gate.wait)
    waiting = [lane.submit(lambda n=n: done.append(n)) for n in range(2)]
    assert lane.length == 3
    with pytest.raises(Overloaded, match="3 requests"):
        lane.submit(gate.wait)
    assert waiting[0].cancel()
    last = lane.submit(lambda: done.append(9))
    gate.set()
    wait([first, waiting[1], last], timeout=SECONDS)
    assert done == [1, 9]
    with pytest.raises(CancelledError):
        waiting[0].result()
    lane.submit(lambda: None).result(timeout=SECONDS)
    lane.close()


def test_a_lane_goes_on_after_an_error() -> None:
    lane = Queue("test", waiting=0)
    with pytest.raises(ZeroDivisionError):
        lane.submit(lambda: 1 / 0).result(timeout=SECONDS)
    assert lane.submit(lambda: 7).result(timeout=SECONDS) == 7
    lane.close()


def test_whoever_has_an_answer_may_ask_again_at_once() -> None:
    lane = Queue("test", waiting=0)
    gate = threading.Event()
    answer = lane.submit(gate.wait)
    with lane._lock:  # nobody can leave now
        gate.set()
        assert not wait([answer], timeout=0.5).done
    assert answer.result(timeout=SECONDS)
    assert lane.length == 0
    lane.close()


def test_a_deadline_ends_work_at_its_next_step() -> None:
    deadline = Deadline(60)
    deadline.advance()
    deadline.give_up()
    with pytest.raises(Expired):
        deadline.advance()
    with pytest.raises(Expired):
        Deadline(0).check()


def test_the_journal_appends_lines_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for _ in range(2):
        Journal(path).record("run-1", [("0" * 16, "NORMAL", 0.75), ("1" * 16, "UNCERTAIN", 0.5)])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 4
    assert lines[0].keys() == {"time", "run", "digest", "answer", "probability"}
    assert lines[0]["time"].endswith("+00:00")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_journal_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written"):
        Journal(tmp_path / "no" / "audit.jsonl")
    journal = Journal(tmp_path / "audit.jsonl")
    journal.path.unlink()
    journal.path.mkdir()
    with pytest.raises(Unavailable, match="nothing is answered"):
        journal.record("run", [("0" * 16, "NORMAL", 0.5)])


@pytest.mark.parametrize(
    "name", ["..", "../runs", "/etc", "a/b", "", ".", "x\x00", "\\..", "n" * 5000, "~", "*"]
)
def test_only_names_of_the_folder_are_known(
    name: str, trained: Run, tiny_registry: Registry
) -> None:
    library = Library(trained.path.parent, registry=tiny_registry)
    with pytest.raises(UnknownName):
        library.answer(name, lambda engine: engine)
    with pytest.raises(UnknownName):
        library.engine(name)
    library.close()


def test_a_library_keeps_the_runs_used_last(
    trained: Run, tmp_path: Path, tiny_registry: Registry
) -> None:
    for name in "abc":
        shutil.copytree(trained.path, tmp_path / name)
    (tmp_path / "secret").mkdir()
    library = Library(tmp_path, limits=Limits(loaded=2), registry=tiny_registry)
    first = library.engine("a")
    for name in ("b", "a", "c"):
        library.engine(name)
    assert library.loaded == ("a", "c")
    assert library.engine("a") is first
    with pytest.raises(UnknownName):
        library.engine("secret")
    library.close()
    alone = Library(tmp_path, only=("b",), registry=tiny_registry)
    assert [run.name for run in alone.runs()] == ["b"]
    assert alone.default == "b"
    with pytest.raises(UnknownName):
        alone.engine("a")
    alone.close()


def test_a_run_that_made_room_is_gone_with_its_network(
    trained: Run, tmp_path: Path, tiny_registry: Registry
) -> None:
    for name in "ab":
        shutil.copytree(trained.path, tmp_path / name)
    library = Library(tmp_path, limits=Limits(loaded=1), registry=tiny_registry)
    upload = accept(png(), "a.png", Limits())

    def explained(name: str) -> weakref.ref[object]:
        engine = library.engine(name)
        engine.explain([upload], methods=["gradcam", "scorecam", "smoothgrad", "examples"])
        return weakref.ref(engine.interpreter().classifier.model)

    first = explained("a")
    assert first() is not None
    explained("b")
    assert library.loaded == ("b",)
    assert first() is None
    library.close()


def test_a_folder_without_runs(tmp_path: Path, tiny_registry: Registry) -> None:
    library = Library(tmp_path, registry=tiny_registry)
    with pytest.raises(UnknownName, match="no finished run"):
        library.engine()
    library.close()


def test_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    password = Password.parse("ann:sécret:1")
    assert password.allows("ann", "sécret:1")
    assert not password.allows("ann", "sécret")
    assert not password.allows("bob", "sécret:1")
    for wrong in ("", "ann", "ann:", ":secret"):
        with pytest.raises(InvalidSetting):
            Password.parse(wrong)
    for header in ("", "Basic", "Basic !!!", "Basic YW5u", "Bearer x", "Basic /////w==", "basic é"):
        assert not password.allows_header(header)
    monkeypatch.delenv(security.VARIABLE, raising=False)
    assert password_from(None) is None
    monkeypatch.setenv(security.VARIABLE, "eve:pw")
    assert password_from(None) == Password.parse("eve:pw")
    assert password_from("ann:sécret:1") == password
    (tmp_path / "auth").write_text("ann:sécret:1\n")
    assert password_from(None, tmp_path / "auth") == password
    with pytest.raises(BadInput):
        password_from(None, tmp_path / "none")


def test_a_password_is_needed_beyond_this_machine() -> None:
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        check_exposure(host, None)
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):  # noqa: S104
        with pytest.raises(InvalidSetting, match="password is needed"):
            check_exposure(host, None)
        check_exposure(host, Password.parse("ann:pw"))


def test_the_command_refuses_what_is_unsafe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(security.VARIABLE, raising=False)
    result = CliRunner().invoke(main, ["serve", "--host", "0.0.0.0"])  # noqa: S104
    assert result.exit_code == 2
    assert "password is needed" in result.stderr
    result = CliRunner().invoke(main, ["serve", "--auth", "ann"])
    assert (result.exit_code, "USER:PASSWORD" in result.stderr) == (2, True)


def test_a_missing_package_is_one_sentence() -> None:
    serving.require("serve", serving.SERVE)
    with pytest.raises(InvalidSetting, match=r"no_such_package.*xray-zoo\[serve\]"):
        serving.require("serve", ("json", "no_such_package"))


def test_a_port_that_is_taken_is_told() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(InvalidSetting, match="--port"):
            listen("127.0.0.1", taken.getsockname()[1])
