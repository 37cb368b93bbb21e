"""Certificates are looked at where callers meet them, and told of before they end."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.health.checks.looks import CHECKS
from app.health.checks.service import look_of
from app.health.doctor import certificates
from app.health.doctor.finding import Level
from tests.certificates import DAY, Authority
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import PostgresServer

HERE = "127.0.0.1"
CHECK = next(check for check in CHECKS if check.kind == "certificate")


@contextmanager
def server(folder: Path, *, lasts: tuple[timedelta, timedelta]) -> Iterator[int]:
    """One that shows a certificate which lasts so long, to whoever asks; its port."""
    certificate, key = Authority(folder).sign(HERE, lasts=lasts)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)

    with socket.create_server((HERE, 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(
    ("lasts", "is_well"),
    [
        ((-DAY, 89 * DAY), True),
        ((-80 * DAY, 10 * DAY), False),
        ((-1 * DAY, 5 * DAY), True),  # one that lives for six days and is young
        ((-5 * DAY, DAY), False),
        ((-90 * DAY, -DAY), False),
    ],
)
def test_one_that_should_have_been_renewed_is_told(
    tmp_path: Path,
    configure: Callable[..., None],
    lasts: tuple[timedelta, timedelta],
    is_well: bool,
) -> None:
    with server(tmp_path, lasts=lasts) as port:
        configure(api_url=f"https://{HERE}:{port}")
        found = CHECK.look()
        assert certificates.certificates_last().level is (Level.OK if is_well else Level.PROBLEM)
    look = look_of(CHECK, found)
    assert (f"{HERE}:{port}" in look.problems) is not is_well
    assert look.subjects == frozenset({f"{HERE}:{port}"})
    assert found.value is not None
    assert abs(found.value - lasts[1] / DAY) < 0.1


@contextmanager
def speaking_tls(server: PostgresServer, folder: Path) -> Iterator[None]:
    """The server shows a certificate that ends in ten days of ninety, for as long."""
    for path in Authority(folder).sign(HERE, lasts=(-80 * DAY, 10 * DAY)):
        kept = server.data / f"server{path.suffix}"
        shutil.copy(path, kept)
        kept.chmod(0o600)
        shutil.chown(kept, server.data.owner())
    try:
        for name, value in (("cert_file", "server.pem"), ("key_file", "server.key")):
            server.execute(f"ALTER SYSTEM SET ssl_{name} = '{value}'")
        server.execute("ALTER SYSTEM SET ssl = on")
        server.execute("SELECT pg_reload_conf()")
        yield
    finally:
        server.execute("ALTER SYSTEM RESET ALL")
        server.execute("SELECT pg_reload_conf()")


def test_that_of_the_database_is_watched(
    tmp_path: Path, configure: Callable[..., None], postgres_server: PostgresServer
) -> None:
    place = f"{HERE}:{postgres_server.port}"
    configure(database_url=postgres_server.url("any"))
    assert certificates.ends() == {}
    with speaking_tls(postgres_server, tmp_path):
        wait_until(certificates.ends, seconds=10, what="PostgreSQL shows it")
        assert set(look_of(CHECK, CHECK.look()).problems) == {place}
        configure(database_url=f"postgresql://groundwork@/any?host={place}&host=127.0.0.2:{free_port()}")
        assert list(certificates.ends()) == [place]
        configure(database_url=f"{postgres_server.url('any')}?sslmode=disable")
        assert certificates.ends() == {}
        configure(database_url="postgresql://groundwork@/any?host=/run/postgresql")
        assert certificates.ends() == {}


def test_of_a_server_that_does_not_answer_nothing_is_said(configure: Callable[..., None]) -> None:
    configure(api_url=f"https://{HERE}:{free_port()}")
    assert look_of(CHECK, CHECK.look()).subjects == frozenset()


def test_one_that_speaks_no_tls_and_one_that_says_nothing_hold_nobody_up(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "TIMEOUT", timedelta(seconds=0.2))
    with socket.create_server((HERE, 0)) as silent:
        configure(api_url=f"https://{HERE}:{silent.getsockname()[1]}", public_url="http://localhost")
        assert certificates.ends() == {}


def test_without_tls_there_is_none_to_be_watched(configure: Callable[..., None]) -> None:
    configure(api_url="http://localhost")
    assert certificates.certificates_last().level is Level.OK
