"""Where a request came from, through the proxy or not."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from app.http.raw_headers import header

if TYPE_CHECKING:
    from starlette.types import Scope

LONGEST = 64
#: Mostly there is one, the proxy.
PEERS_KNOWN = 256
#: Of an IPv6 address: whoever has one has all that begin alike.
IPV6_PREFIX = 64


def is_loopback(scope: Scope) -> bool:
    """Whether the peer is on this host; it may be the proxy, which speaks for others."""
    return _is_on_this_host(_peer(scope))


@lru_cache(maxsize=PEERS_KNOWN)
def _is_on_this_host(peer: str) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    # A socket that serves both families shows an IPv4 caller so.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def address_of(scope: Scope) -> str:
    """The address that asks; the proxy on this host says whom it speaks for."""
    if not is_loopback(scope):
        return _peer(scope)
    given = header(scope, b"x-real-ip")
    return (_peer(scope) if given is None else given)[:LONGEST]


def network_of(address: str) -> str:
    """The address by which callers are counted; of IPv6, the network that one subscriber has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))


def _peer(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])
