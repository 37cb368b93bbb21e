"""The files that systemd gets of a release."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.groundwork.managers.systemd import Systemd

CHECKOUT = Path(__file__).parents[3]
SOCKET = Path("/etc/systemd/system/groundwork-api.socket.d")


def files(address: str) -> dict[Path, bytes]:
    found: dict[Path, bytes] = Systemd().files(CHECKOUT, extra={}, address=address)
    return found


def test_where_the_release_lets_the_api_listen_nothing_is_added() -> None:
    assert [path for path in files("127.0.0.1:8000") if path.parent == SOCKET] == []


def test_elsewhere_the_socket_listens_there_and_nowhere_else() -> None:
    added = files("[::1]:8100")[SOCKET / "10-address.conf"].decode().splitlines()
    assert [line for line in added if line.startswith("ListenStream=")] == [
        "ListenStream=",
        "ListenStream=[::1]:8100",
    ]
