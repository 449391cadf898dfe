"""Addresses of clients: which of them are one client, and which are a proxy that is believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from zoo.base.errors import InvalidSetting

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HOUSEHOLD = 64
"""Bits of an IPv6 address that a client cannot choose: it may use all addresses behind them."""


def client_of(host: str) -> str:
    """Return what limits are counted by: an IPv4 address, or the first half of an IPv6 one."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, HOUSEHOLD), strict=False))


def is_among(host: str, networks: Sequence[Network]) -> bool:
    """Tell whether an address lies in one of these networks."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read addresses and networks, as in `127.0.0.1,10.0.0.0/8`.

    Raises:
        InvalidSetting: one is neither, or it is so wide that everybody is in it.
    """
    networks: list[Network] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            network = ipaddress.ip_network(part)
        except ValueError as error:
            raise InvalidSetting(
                f"'{part}' is no address of a proxy. Expected addresses or networks, such as "
                "127.0.0.1 or 10.0.0.0/8, with commas between them."
            ) from error
        if not network.prefixlen:
            raise InvalidSetting(
                f"'{part}' is everybody, so that anybody could claim any address. Name the proxy."
            )
        networks.append(network)
    return tuple(networks)
