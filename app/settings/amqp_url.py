"""One reading of RabbitMQ's URL for everybody who connects."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

SCHEMES = ("amqp", "amqps")
DEFAULT_PORT, DEFAULT_TLS_PORT = 5672, 5671
#: The names are those of a rediss:// URL.
FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
VERIFY, CHECK_HOSTNAME = "ssl_cert_reqs", "ssl_check_hostname"
OPTIONS = frozenset({*FILES, VERIFY, CHECK_HOSTNAME})
CHOICES = {VERIFY: ("required", "none"), CHECK_HOSTNAME: ("true", "false")}
#: AMQP has no room for more.
MAX_NAME_BYTES = 255
_NOT_IN_URL = re.compile(r"[\s\x00-\x1f\x7f\ud800-\udfff]")


class UnusableAmqpUrl(ValueError):
    """Raised for a URL that names no RabbitMQ. The URL itself is not shown: it may hold a password."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem} Write amqp://user:password@host:5672/vhost or amqps:// for TLS, %2F for the vhost "
            '"/", and percent-encode in a password what is neither letter nor digit'
        )


@dataclass(frozen=True, kw_only=True)
class AmqpAddress:
    """Where RabbitMQ is, who asks, and how the connection is kept private."""

    host: str
    port: int
    vhost: str
    username: str = "guest"
    password: str = field(default="guest", repr=False)
    #: Options of a TLS connection as py-amqp takes them; None without TLS.
    tls: Mapping[str, Any] | None = None

    @property
    def host_and_port(self) -> str:
        """As it stands in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def for_kombu(self) -> str:
        """The URL as kombu and Flower take it. What it says of TLS is in Celery's `broker_use_ssl`."""
        return self._at(f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@")

    @property
    def shown(self) -> str:
        """The URL as anybody may see it."""
        return self._at("")

    def _at(self, credentials: str) -> str:
        scheme = "amqp" if self.tls is None else "amqps"
        return f"{scheme}://{credentials}{self.host_and_port}/{quote(self.vhost, safe='')}"


def address_of(url: str) -> AmqpAddress:
    """Read a URL. Raises `UnusableAmqpUrl`."""
    parts, port = _parts_of(url)
    options = _options(parts)
    default = DEFAULT_TLS_PORT if parts.scheme == "amqps" else DEFAULT_PORT
    return AmqpAddress(
        host=unquote(parts.hostname or ""),
        port=default if port is None else port,
        vhost=_vhost(parts),
        username=_named(parts.username, what="user") or "guest",
        password=unquote(parts.password or "guest"),
        tls=_tls(parts, options),
    )


def _parts_of(url: str) -> tuple[SplitResult, int | None]:
    if _NOT_IN_URL.search(url):
        raise UnusableAmqpUrl("it holds a blank or a character that no URL may hold.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnusableAmqpUrl("its host or port is not valid; ports are 1 to 65535.") from None
    if parts.scheme not in SCHEMES or "//" not in url:
        raise UnusableAmqpUrl("it does not begin with amqp:// or amqps://.")
    if port == 0:
        raise UnusableAmqpUrl("its host or port is not valid; ports are 1 to 65535.")
    if not parts.hostname:
        raise UnusableAmqpUrl("it names no host.")
    return parts, port


def _vhost(parts: SplitResult) -> str:
    path = parts.path.removeprefix("/")
    if not path:
        raise UnusableAmqpUrl("it names no vhost.")
    if "/" in path:
        raise UnusableAmqpUrl('its vhost holds a "/" that is not written %2F.')
    return _named(path, what="vhost")


def _named(text: str | None, *, what: str) -> str:
    name = unquote(text or "")
    if len(name.encode(errors="replace")) > MAX_NAME_BYTES:
        raise UnusableAmqpUrl(f"its {what} is longer than {MAX_NAME_BYTES} bytes.")
    return name


def _options(parts: SplitResult) -> dict[str, str]:
    if parts.fragment:
        raise UnusableAmqpUrl('it holds a "#".')
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if not OPTIONS.issuperset(options):
        # Not named: behind a "?" may stand the rest of a password.
        raise UnusableAmqpUrl(f"it has an option other than {', '.join(sorted(OPTIONS))}.")
    if len(options) < len(pairs):
        raise UnusableAmqpUrl("it gives an option twice.")
    return options


def _tls(parts: SplitResult, options: Mapping[str, str]) -> dict[str, Any] | None:
    if parts.scheme == "amqp":
        if options:
            raise UnusableAmqpUrl(f"{', '.join(options)} makes sense with amqps:// only.")
        return None
    for name, choices in CHOICES.items():
        if options.get(name, choices[0]) not in choices:
            raise UnusableAmqpUrl(f'{name} is "{options[name]}"; it may be {" or ".join(choices)}.')
    for name in FILES:
        if name in options and not Path(options[name]).is_file():
            raise UnusableAmqpUrl(f"{name} is {options[name]}, which is no file that is there.")
    if "ssl_keyfile" in options and "ssl_certfile" not in options:
        raise UnusableAmqpUrl("it gives ssl_keyfile without ssl_certfile.")
    verified = options.get(VERIFY, "required") == "required"
    files = {name.removeprefix("ssl_"): options[name] for name in FILES if name in options}
    tls = {"cert_reqs": ssl.CERT_REQUIRED if verified else ssl.CERT_NONE, **files}
    if verified and options.get(CHECK_HOSTNAME, "true") == "true":
        # py-amqp compares it with the certificate where it is given.
        tls["server_hostname"] = unquote(parts.hostname or "")
    return tls
