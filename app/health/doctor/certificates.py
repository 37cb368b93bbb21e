"""Checks of the TLS certificates that callers and this service meet, as the servers show them."""

from __future__ import annotations

import socket
import ssl
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
TIMEOUT = timedelta(seconds=3)
#: One that ends sooner should have been renewed by now; of a short-lived one, the last quarter of its life.
NEAR, SHARE_OF_LIFE = timedelta(days=14), 4
HTTPS_PORT = 443


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
    return Finding.problem(ABOUT, sentence, fix="Renew it, and have the server read it (nginx: a reload).")


def ends() -> dict[str, End]:
    """When the certificates end, by host and port; those of servers that do not answer are left out."""
    found: dict[str, End] = {}
    for host, port in dict.fromkeys(_places()):
        # That a server is away others say.
        with suppress(OSError, ValueError):
            found[f"{in_url(host)}:{port}"] = _end_of(host, port)
    return found


def _places() -> Iterator[tuple[str, int]]:
    for url in (settings().api_url, settings().public_url):
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname:
            yield parts.hostname, parts.port or HTTPS_PORT
    broker = settings().broker
    if broker.tls is not None and broker.host:
        yield broker.host, broker.port


def _end_of(host: str, port: int) -> End:
    # Nothing is said to the server, and of what it shows the dates alone are read.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=TIMEOUT.total_seconds()) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        shown = secured.getpeercert(binary_form=True)
    # Not above: every worker and beat knows of this check, and one now and then carries it out.
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(shown or b"")
    begins, at = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return End(at=at, lifetime=at - begins)
