"""Callers are counted by whoever has the address they come from."""

from __future__ import annotations

import pytest

from app.http.client_addresses import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_address_counts_as_its_subscriber(address: str, network: str) -> None:
    assert network_of(address) == network
