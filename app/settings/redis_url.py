"""One reading of the broker's URL for everybody who connects: producers, workers, doctor and Flower.

redis-py and kombu read its options in different ways, down to whether a certificate is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

SCHEMES = ("redis", "rediss", "unix")
DEFAULT_PORT = 6379
#: How each may be spelt, after redis-py and after the module ssl.
CERT_REQS = {
    "required": "required", "cert_required": "required",
    "optional": "optional", "cert_optional": "optional",
    "none": "none", "cert_none": "none",
}  # fmt: skip
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
FILES = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
OPTIONS = frozenset({*FILES, "db", "ssl_cert_reqs", "ssl_check_hostname"})


class UnusableRedisUrl(ValueError):
    """Raised for a URL that names no Redis. The URL itself is not shown: it may hold a password."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem} Write redis://user:password@host:port/0, rediss:// for TLS, or unix:///path?db=0, "
            "and percent-encode in a password what is neither letter nor digit"
        )


@dataclass(frozen=True, kw_only=True)
class RedisAddress:
    """Where Redis is, who asks, and how the connection is kept private."""

    host: str | None = None
    port: int = DEFAULT_PORT
    #: Of a unix socket, in the place of host and port.
    path: str | None = None
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    #: Options of a TLS connection as redis-py and kombu both take them; None without TLS.
    tls: Mapping[str, Any] | None = None

    @property
    def for_redis_py(self) -> str:
        """The URL as redis-py takes it."""
        secured = {
            name: str(value).lower() if name == "ssl_check_hostname" else value
            for name, value in (self.tls or {}).items()
        }
        return (
            f"{self._at(self._credentials)}?{urlencode(secured)}" if secured else self._at(self._credentials)
        )

    @property
    def for_kombu(self) -> str:
        """The URL as kombu and Flower take it. What it says of TLS is in Celery's `broker_use_ssl`."""
        if self.path:
            return f"redis+socket://{self._credentials}{quote(self.path)}?virtual_host={self.database}"
        return self._at(self._credentials)

    @property
    def shown(self) -> str:
        """The URL as anybody may see it."""
        return self._at("")

    def _at(self, credentials: str) -> str:
        if self.path:
            return f"unix://{credentials}{quote(self.path)}?db={self.database}"
        scheme = "redis" if self.tls is None else "rediss"
        host = f"[{self.host}]" if ":" in str(self.host) else self.host
        return f"{scheme}://{credentials}{host}:{self.port}/{self.database}"

    @property
    def _credentials(self) -> str:
        given = self.username or self.password
        return f"{_quoted(self.username)}:{_quoted(self.password)}@" if given else ""


def address_of(url: str) -> RedisAddress:
    """Read a URL. Raises `UnusableRedisUrl`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnusableRedisUrl("its host or port is not valid.") from None
    if parts.scheme not in SCHEMES or "//" not in url:
        raise UnusableRedisUrl("it does not begin with redis://, rediss:// or unix://.")
    options = _options(parts)
    database = _database(parts, options.pop("db", None))
    address = RedisAddress(
        database=database, username=_unquoted(parts.username), password=_unquoted(parts.password)
    )
    if parts.scheme != "unix":
        host = unquote(parts.hostname or "127.0.0.1")
        return replace(address, host=host, port=port or DEFAULT_PORT, tls=_tls(parts.scheme, options))
    if not parts.path or options:
        raise UnusableRedisUrl("a unix socket needs its path, and takes no option but db.")
    return replace(address, path=unquote(parts.path))


def _options(parts: SplitResult) -> dict[str, str]:
    if parts.fragment:
        raise UnusableRedisUrl('it holds a "#".')
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if not OPTIONS.issuperset(options):
        # Not named: behind a "?" may stand the rest of a password.
        raise UnusableRedisUrl(f"it has an option other than {', '.join(sorted(OPTIONS))}.")
    if len(options) < len(pairs):
        raise UnusableRedisUrl("it gives an option twice.")
    return options


def _database(parts: SplitResult, option: str | None) -> int:
    path = "" if parts.scheme == "unix" else parts.path.removeprefix("/")
    number = option if option is not None else path or "0"
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise UnusableRedisUrl("the database at its end is not a number.")
    return int(number)


def _tls(scheme: str, options: Mapping[str, str]) -> dict[str, Any] | None:
    if scheme == "redis":
        if options:
            raise UnusableRedisUrl(f"{', '.join(options)} makes sense with rediss:// only.")
        return None
    required = _one_of(CERT_REQS, options, "ssl_cert_reqs", default="required")
    checked = _one_of(BOOLEANS, options, "ssl_check_hostname", default="true")
    files = {name: options[name] for name in FILES if name in options}
    for name, path in files.items():
        if not Path(path).exists():
            raise UnusableRedisUrl(f"{name} is {path}, which is not there.")
    return {"ssl_cert_reqs": required, "ssl_check_hostname": checked and required != "none", **files}


def _one_of(meanings: Mapping[str, Any], options: Mapping[str, str], name: str, *, default: str) -> Any:
    value = options.get(name, default).lower()
    if value not in meanings:
        raise UnusableRedisUrl(f'{name} is "{value}"; it may be {", ".join(meanings)}.')
    return meanings[value]


def _unquoted(text: str | None) -> str | None:
    return unquote(text) if text else None


def _quoted(text: str | None) -> str:
    return quote(text or "", safe="")
