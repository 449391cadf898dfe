"""What the commands that serve refuse before they begin."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from zoo import InvalidSetting
from zoo.cli import main, serving
from zoo.cli.serving import listen
from zoo.web.service import security


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


def test_a_password_that_can_be_read_on_its_way_is_warned_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    serving.warn_of_plain_text("127.0.0.1")
    assert capsys.readouterr().err == ""
    serving.warn_of_plain_text("0.0.0.0")  # noqa: S104
    assert "TLS" in capsys.readouterr().err


@pytest.mark.parametrize(("proxies", "told"), [("127.0.0.1", "password"), ("*", "no address")])
def test_a_proxy_needs_a_password_and_an_address(
    proxies: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(security.VARIABLE, raising=False)
    result = CliRunner().invoke(main, ["serve", "--forwarded-allow-ips", proxies])
    assert (result.exit_code, told in result.stderr) == (2, True)
