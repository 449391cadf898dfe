"""Passwords, and who may ask from where."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo import BadInput, InvalidSetting
from zoo.web.service import security
from zoo.web.service.security import (
    LOOPBACK,
    Password,
    check_exposure,
    names_of,
    of_header,
    password_from,
)


def test_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    password = Password.parse("ann:sécret:1")
    assert password.allows("ann", "sécret:1")
    assert not password.allows("ann", "sécret")
    assert not password.allows("bob", "sécret:1")
    for wrong in ("", "ann", "ann:", ":secret"):
        with pytest.raises(InvalidSetting):
            Password.parse(wrong)
    for header in ("", "Basic", "Basic !!!", "Basic YW5u", "Bearer x", "Basic /////w==", "basic é"):
        assert not password.allows(*of_header(header))
    monkeypatch.delenv(security.VARIABLE, raising=False)
    assert password_from(None) is None
    monkeypatch.setenv(security.VARIABLE, "eve:pw")
    assert password_from(None) == Password.parse("eve:pw")
    assert password_from("ann:sécret:1") == password
    (tmp_path / "auth").write_text("ann:sécret:1\n")
    assert password_from(None, tmp_path / "auth") == password
    with pytest.raises(BadInput):
        password_from(None, tmp_path / "none")
    (tmp_path / "auth").write_text("")
    for text, file in (("", None), (None, tmp_path / "auth")):
        with pytest.raises(InvalidSetting, match="incomplete"):
            password_from(text, file)


def test_a_password_is_needed_beyond_this_machine() -> None:
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        check_exposure(host, None)
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):  # noqa: S104
        with pytest.raises(InvalidSetting, match="password is needed"):
            check_exposure(host, None)
        check_exposure(host, Password.parse("ann:pw"))


def test_through_a_proxy_a_password_is_needed_and_any_name_will_do() -> None:
    with pytest.raises(InvalidSetting, match="proxy"):
        check_exposure("127.0.0.1", None, proxied=True)
    password = Password.parse("ann:pw")
    check_exposure("127.0.0.1", password, proxied=True)
    assert names_of("127.0.0.1", None) == LOOPBACK
    assert names_of("127.0.0.1", password) is None
