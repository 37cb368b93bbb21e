"""systemd hears of a worker's life only while its leases are renewed and its event loop turns."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from app.processes.systemd_notify import ALIVE
from app.worker.watchdog import STALE_SECONDS, Pulse, Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where systemd listens; it waits for nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setattr(Pulse, "is_connected", True)
        monkeypatch.setattr(Pulse, "last_tick", time.monotonic())
        yield listener


def heard(systemd: socket.socket) -> str:
    try:
        return systemd.recv(100).decode()
    except BlockingIOError:
        return ""


def test_life_is_told_of(systemd: socket.socket) -> None:
    Watchdog(is_stuck=lambda: False).work()
    assert heard(systemd) == ALIVE


def test_a_worker_that_does_not_renew_its_leases_is_not_alive(systemd: socket.socket) -> None:
    Watchdog(is_stuck=lambda: True).work()
    assert heard(systemd) == ""


def test_a_worker_whose_event_loop_stands_still_is_not_alive(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pulse, "last_tick", time.monotonic() - 2 * STALE_SECONDS)
    Watchdog(is_stuck=lambda: False).work()
    assert heard(systemd) == ""
