"""systemd hears of a worker's life only while its leases are renewed and its event loop turns."""

from __future__ import annotations

import math
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from kombu.exceptions import OperationalError

from app.jobs.celery.application import make_celery
from app.jobs.celery.transport import connecting
from app.processes.systemd_notify import ALIVE
from app.settings.config import settings
from app.worker.watchdog import STALE_SECONDS, Pulse, Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where systemd listens; it waits for nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setattr(Pulse, "is_connected", True)
        monkeypatch.setattr(connecting.MainThread, "failed_at", -math.inf)
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


@pytest.fixture
def stands_still(systemd: socket.socket, monkeypatch: pytest.MonkeyPatch) -> Watchdog:
    """That of a worker whose event loop has not turned for long, though there is a connection."""
    assert systemd
    monkeypatch.setattr(Pulse, "last_tick", time.monotonic() - 2 * STALE_SECONDS)
    return Watchdog(is_stuck=lambda: False)


def connect_to(url: str) -> None:
    """Try once, as kombu does for whoever sends."""
    with make_celery(settings()).connection_for_read(url=url) as connection:
        connection.ensure_connection(max_retries=0)


@contextmanager
def silent_broker(on_connection: Callable[[], None]) -> Iterator[str]:
    """The URL of one that takes a connection, has `on_connection` run meanwhile, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):  # the test is over
                while True:
                    taken, _ = listener.accept()
                    with taken:
                        on_connection()

        server = threading.Thread(target=serve)
        server.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)
        server.join()


@pytest.mark.usefixtures("configure")
def test_a_worker_that_connects_from_its_event_loop_is_alive(
    systemd: socket.socket, stands_still: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silent_broker(stands_still.work) as url, pytest.raises(OperationalError):
        connect_to(url)
    assert heard(systemd) == ALIVE
    stands_still.work()
    assert heard(systemd) == ALIVE, "it pauses before the next attempt"
    monkeypatch.setattr(connecting, "PAUSE_SECONDS", 0)
    while heard(systemd):
        pass
    stands_still.work()
    assert heard(systemd) == "", "no pause is as long"


@pytest.mark.usefixtures("configure")
def test_a_worker_that_stands_still_once_it_is_connected_is_not_alive(
    systemd: socket.socket, stands_still: Watchdog, redis_url: str
) -> None:
    with silent_broker(lambda: None) as url, pytest.raises(OperationalError):
        connect_to(url)
    connect_to(redis_url)
    stands_still.work()
    assert heard(systemd) == ""


@pytest.mark.usefixtures("configure")
def test_another_thread_that_connects_is_no_sign_of_life(
    systemd: socket.socket, stands_still: Watchdog
) -> None:
    def connect() -> None:
        with pytest.raises(OperationalError):
            connect_to(url)

    with silent_broker(stands_still.work) as url:
        other = threading.Thread(target=connect)
        other.start()
        other.join()
    stands_still.work()
    assert heard(systemd) == ""


def test_a_worker_that_neither_connects_nor_does_anything_is_not_alive(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pulse, "is_connected", False)
    watchdog = Watchdog(is_stuck=lambda: False)
    watchdog.work()
    assert heard(systemd) == ALIVE, "between two connections it only has to do anything"
    monkeypatch.setattr("app.worker.watchdog.STUCK_SECONDS", 0)
    watchdog.work()
    assert heard(systemd) == ""
