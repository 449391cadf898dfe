"""Which addresses are one client, and which proxies are believed."""

from __future__ import annotations

import pytest

from zoo import InvalidSetting
from zoo.web.service.addresses import client_of, is_among, parse_networks


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_one_client(host: str, client: str) -> None:
    assert client_of(host) == client


def test_proxies() -> None:
    trusted = parse_networks(" 127.0.0.1, 10.0.0.0/8,::1 ")
    assert [is_among(host, trusted) for host in ("127.0.0.1", "10.9.8.7", "::1")] == [True] * 3
    assert [is_among(host, trusted) for host in ("127.0.0.2", "11.0.0.1", "x", "")] == [False] * 4
    assert parse_networks("") == ()
    for wrong in ("*", "proxy", "10.0.0.1/8", "0.0.0.0/0", "::/0"):
        with pytest.raises(InvalidSetting):
            parse_networks(wrong)
