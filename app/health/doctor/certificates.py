"""Checks of the TLS certificates that callers and this service meet, as the servers show them."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from app.health.doctor.finding import Finding
from app.settings.config import settings
from app.settings.kinds import in_url

if TYPE_CHECKING:
    from collections.abc import Iterator

ABOUT = "certificates"
FIX = "Renew it, and have the server read it (nginx, PostgreSQL: a reload)."
TIMEOUT = timedelta(seconds=3)
#: One that ends sooner should have been renewed by now; of a short-lived one, the last quarter of its life.
NEAR, SHARE_OF_LIFE = timedelta(days=14), 4
HTTPS_PORT, POSTGRESQL_PORT = 443, 5432
#: What a client of PostgreSQL says before TLS begins, and what a server answers that speaks it.
REQUEST, GRANTED = struct.pack("!ii", 8, 80_877_103), b"S"


class Place(NamedTuple):
    """A server, and what it is to be asked before it begins TLS."""

    host: str
    port: int
    request: bytes = b""


class End(NamedTuple):
    """When a certificate ends, and how long it lives in all."""

    at: datetime
    lifetime: timedelta

    @property
    def left(self) -> timedelta:
        """How long it is still good."""
        return self.at - datetime.now(UTC)

    @property
    def is_near(self) -> bool:
        """Whether it should have been renewed by now."""
        return self.left < min(NEAR, self.lifetime / SHARE_OF_LIFE)


def certificates_last() -> Finding:
    """Whether no certificate is near its end."""
    found = [finding(place, end) for place, end in ends().items()]
    wrong = [one.sentence for one in found if one.fix is not None]
    if wrong:
        return Finding.problem(ABOUT, " ".join(wrong), fix=str(next(one.fix for one in found if one.fix)))
    return Finding.ok(ABOUT, " ".join(one.sentence for one in found) or "No certificate is to be watched.")


def finding(place: str, end: End) -> Finding:
    """What is to be said of the certificate of the server at `place`."""
    when = f"{end.at:%Y-%m-%d %H:%M} UTC"
    if end.left <= timedelta(0):
        sentence = f"The certificate of {place} ended at {when}: clients refuse it."
    elif end.is_near:
        sentence = f"The certificate of {place} ends at {when}, in {end.left / timedelta(days=1):.1f} days."
    else:
        return Finding.ok(ABOUT, f"The certificate of {place} is good until {when}.")
    return Finding.problem(ABOUT, sentence, fix=FIX)


def ends() -> dict[str, End]:
    """When the certificates end, by host and port; those of servers that do not answer are left out."""
    found: dict[str, End] = {}
    for place in dict.fromkeys(_places()):
        # That a server is away others say.
        with suppress(OSError, ValueError):
            found[f"{in_url(place.host)}:{place.port}"] = _end_of(place)
    return found


def _places() -> Iterator[Place]:
    for url in (settings().api_url, settings().public_url):
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname:
            yield Place(parts.hostname, parts.port or HTTPS_PORT)
    broker = settings().broker
    if broker.tls is not None and broker.host:
        yield Place(broker.host, broker.port)
    yield from _databases()


def _databases() -> Iterator[Place]:
    url = settings().database
    if url.get_backend_name() != "postgresql" or url.query.get("sslmode") == "disable":
        return
    _, asked = url.get_dialect()().create_connect_args(url)
    hosts = str(asked.get("host") or "").split(",")
    ports = str(asked.get("port") or POSTGRESQL_PORT).split(",")
    for number, host in enumerate(hosts):
        # Over a socket there is no TLS.
        if host and not host.startswith("/"):
            yield Place(host, int(ports[min(number, len(ports) - 1)] or POSTGRESQL_PORT), REQUEST)


def _end_of(place: Place) -> End:
    # Nothing is said to the server, and of what it shows the dates alone are read.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(place[:2], timeout=TIMEOUT.total_seconds()) as connection:
        connection.sendall(place.request)
        if place.request and connection.recv(1) != GRANTED:
            raise ValueError(f"{place.host} speaks no TLS")
        with context.wrap_socket(connection, server_hostname=place.host) as secured:
            shown = secured.getpeercert(binary_form=True)
    # Not above: every worker and beat knows of this check, and one now and then carries it out.
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(shown or b"")
    begins, at = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return End(at=at, lifetime=at - begins)
