"""What a setting may be: each kind refuses at the start what would fail later, and says what to write."""

from __future__ import annotations

import ipaddress
import json
import re
from email.utils import parseaddr
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from app.settings import broker_url
from app.settings.redis_url import UnusableRedisUrl, address_of
from app.values.text import one_line

#: A week.
MAX_SECONDS = 604_800
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)*{_LABEL}\.?")
#: So no prefix is the beginning of another, and none is a pattern.
REDIS_PREFIX = re.compile(r"[A-Za-z0-9_.-]+:")
_DIGITS_AND_DOTS = re.compile(r"[0-9.]+")
#: As Amazon ECR has them, and room for a name below.
_REPOSITORY = re.compile(r"(?=.{1,150}$)[a-z0-9]+(?:[._/-][a-z0-9]+)*")
#: What is a URL of a database beyond doubt, without anything that would have to be decoded or looked up.
PLAIN_DATABASE = re.compile(
    r"sqlite:////?[A-Za-z0-9_.-][A-Za-z0-9_./-]*"
    rf"|postgresql://[A-Za-z0-9_.-]+(?::[A-Za-z0-9_.~%-]+)?@(?:{_LABEL}\.)*{_LABEL}"
    r"(?::(?:[1-5][0-9]{4}|[1-9][0-9]{0,3}))?/[A-Za-z0-9_-]+"
)
_FCM_MEMBERS = ("client_email", "private_key", "project_id")


def _refused(sentence: str) -> PydanticCustomError:
    # Braces are for values of pydantic's own.
    return PydanticCustomError("setting", "{sentence}", {"sentence": sentence})


def _database_url(text: str) -> str:
    if PLAIN_DATABASE.fullmatch(text):
        return text
    # Not above: it loads SQLAlchemy, and Flower and most commands that read settings need no database.
    from app.settings import database_url

    try:
        database_url.parse(text)
    except database_url.UnusableDatabaseUrl as error:
        raise _refused(f"this is not a usable URL: {error}") from None
    return text.strip()


def _redis_url(given: SecretStr) -> SecretStr:
    try:
        address_of(given.get_secret_value())
    except UnusableRedisUrl as error:
        raise _refused(str(error)) from None
    return given


def _broker_url(given: SecretStr) -> SecretStr:
    try:
        if given.get_secret_value():
            broker_url.parse(given.get_secret_value())
    except ValueError as error:
        raise _refused(f"this is not a usable URL: {error}") from None
    return given


def _mirror_url(given: SecretStr) -> SecretStr:
    if not given.get_secret_value():
        return given
    # Not above, as for the database.
    from app.settings import mirror_url

    try:
        mirror_url.parse(given.get_secret_value())
    except mirror_url.UnusableMirrorUrl as error:
        raise _refused(f"this is not a usable URL: {error}") from None
    return given


def _redis_prefix(text: str) -> str:
    if not REDIS_PREFIX.fullmatch(text):
        raise _refused(
            f'"{text}" could also begin another prefix: use letters, digits, ".", "_" and "-", with the '
            'only colon at the end, as in "groundwork:"'
        )
    return text


def is_host(text: str) -> bool:
    """Whether `text` can name a host: an address (IPv6 without brackets) or a name."""
    if ":" in text or _DIGITS_AND_DOTS.fullmatch(text):
        try:
            ipaddress.ip_address(text)
        except ValueError:
            return False
        return True
    return bool(_NAME.fullmatch(text))


def in_url(host: str) -> str:
    """`host` as it stands before a port: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def reachable(host: str) -> str:
    """Where this machine reaches what listens at `host`, which may be all its addresses."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _host(text: str) -> str:
    bare = text.strip().removeprefix("[").removesuffix("]")
    if not is_host(bare):
        raise _refused("give an address such as 127.0.0.1 or ::1, or a host's name")
    return bare


def is_http_url(text: str) -> bool:
    """Whether `text` is a URL that can be called."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:  # of the port, or of brackets
        return False
    return usable and not re.search(r"\s", text)


def _http_url(text: str) -> str:
    if text and not is_http_url(text):
        raise _refused("give a URL such as https://example.org/path")
    return text.rstrip("/")


def _base_url(text: str) -> str:
    """The beginning of other URLs; what came behind a question mark would swallow their paths."""
    if "?" in text or "#" in text:
        raise _refused("give a URL without ? and #, behind which paths are put: https://example.org/path")
    return _http_url(text)


def _plaid_environment(text: str) -> str:
    return text if text in ("sandbox", "production") else _base_url(text)


def _program(text: str) -> str:
    if text and (not text.startswith("/") or not text.isprintable()):
        raise _refused("give the absolute path of a program, such as /usr/local/bin/trivy")
    return text


def _image_repository(text: str) -> str:
    if not _REPOSITORY.fullmatch(text):
        raise _refused("give small letters and digits with single . _ - / between them, such as shop/models")
    return text


def _mailbox(text: str) -> str:
    # Not above: what knows all rules for domains is large.
    from app.values.email_addresses import CannotBeAddressed, wire_form

    try:
        address = wire_form(parseaddr(one_line(text))[1])
    except (ValueError, CannotBeAddressed):
        address = ""
    if not address.isascii() or not is_host(address.rpartition("@")[2]):
        raise _refused(
            "give a sender such as Groundwork <groundwork@example.org>, in plain ASCII before the @"
        )
    return text


def _fcm_credentials(given: SecretStr) -> SecretStr:
    text = given.get_secret_value()
    try:
        account = json.loads(text) if text else dict.fromkeys(_FCM_MEMBERS, "unset")
        missing = [name for name in _FCM_MEMBERS if not isinstance(account[name], str) or not account[name]]
    except (ValueError, LookupError, TypeError, RecursionError):
        missing = list(_FCM_MEMBERS)
    if missing:
        raise _refused(
            f"give the whole JSON file of the service account; it has no usable {' and '.join(missing)}"
        )
    return given


DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
MirrorUrl = Annotated[SecretStr, AfterValidator(_mirror_url)]
BrokerUrl = Annotated[SecretStr, AfterValidator(_broker_url)]
RedisPrefix = Annotated[str, AfterValidator(_redis_prefix)]
Host = Annotated[str, AfterValidator(_host)]
#: May be empty, which is unset.
HttpUrl = Annotated[str, AfterValidator(_http_url)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
PlaidEnvironment = Annotated[str, AfterValidator(_plaid_environment)]
#: May be empty, which is unset.
Program = Annotated[str, AfterValidator(_program)]
ImageRepository = Annotated[str, AfterValidator(_image_repository)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
FcmCredentials = Annotated[SecretStr, AfterValidator(_fcm_credentials)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[int, Field(ge=1, le=MAX_SECONDS)]
PerMinute = Annotated[int, Field(ge=1, le=100_000)]
