"""Signing in at a registry, as its challenge (401) asks: Basic, or a token from where it says (Bearer)."""

from __future__ import annotations

import base64
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from app.domains.marketplace.images.errors import RegistryRefused, RegistryUnavailable
from app.logs.masking import excerpt
from app.outbound.bounded_http import Bounds, NoReply, NotReached, call
from app.outbound.retry_after import pause_asked_for
from app.settings.kinds import is_http_url
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.outbound.bounded_http import Reply

BOUNDS = Bounds(
    connect=timedelta(seconds=10),
    silence=timedelta(seconds=20),
    deadline=timedelta(seconds=30),
    max_bytes=256 * 1024,
)
MAX_CHALLENGE = 4_096
MAX_URL = 8_192
MAX_TOKEN = 64 * 1024
_SCHEME = re.compile(r"\s*(Basic|Bearer)\b", re.IGNORECASE)
_PARAMETER = re.compile(r'([A-Za-z]+)="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Login:
    """An account at a registry."""

    user: str
    password: str = field(repr=False)


@dataclass(kw_only=True)
class SignIn:
    """What requests to a registry are signed in with, renewed when it is refused.

    `login` is asked each time, for what it gives may end too; None is nobody. `scopes` are those of
    Docker's token protocol, such as `repository:models/one:pull,push`.
    """

    login: Callable[[], Login | None]
    scopes: tuple[str, ...] = ()
    _challenge: str = ""
    _header: str = field(default="", repr=False)
    _secrets: set[str] = field(default_factory=set, repr=False)

    def headers(self) -> dict[str, str]:
        """What goes with a request."""
        return {"Authorization": self._header} if self._header else {}

    def secrets(self) -> Iterable[str]:
        """What no error may show."""
        return self._secrets

    def renew(self, url: str, refused: Reply) -> bool:
        """Do as the challenge of an answer says; whether there is anything new to try."""
        self._challenge = refused.headers.get("www-authenticate", self._challenge)[:MAX_CHALLENGE]
        scheme = _SCHEME.match(self._challenge)
        if scheme is None:
            return False
        login = self.login()
        if scheme[1].lower() == "bearer":
            told = {name.lower(): value for name, value in _PARAMETER.findall(self._challenge)}
            header = f"Bearer {self._token(url, told, login)}"
        elif login:
            header = _basic(login)
        else:
            return False
        is_new = header != self._header
        self._header = header
        self._secrets |= {header.partition(" ")[2], login.password if login else ""}
        return is_new

    def _token(self, url: str, told: dict[str, str], login: Login | None) -> str:
        """A token of the server that the challenge names, which a password goes to only if TLS hides it."""
        realm = told.get("realm", "")
        if not is_url(realm) or urlsplit(realm).scheme not in {"https", urlsplit(url).scheme}:
            raise RegistryRefused(
                f"The registry wants the password to be sent to {quoted(realm)}, which is no https URL. Look "
                "at how the registry is set up."
            )
        scopes = dict.fromkeys((*told.get("scope", "").split(), *self.scopes))
        asked = [("scope", scope) for scope in scopes]
        asked += [("service", told["service"])] if "service" in told else []
        headers = {"Authorization": _basic(login)} if login else {}
        try:
            mark = "&" if "?" in realm else "?"
            reply = call("GET", f"{realm}{mark}{urlencode(asked)}", bounds=BOUNDS, headers=headers)
        except (NotReached, NoReply) as error:
            raise RegistryUnavailable(f"{quoted(realm)} gives no token: {excerpt(error)}.") from None
        return _token_in(reply, realm)


def _token_in(reply: Reply, realm: str) -> str:
    if reply.is_success:
        with suppress(ValueError, RecursionError, AttributeError):
            told = json.loads(reply.body)
            token = told.get("token") or told.get("access_token")
            if isinstance(token, str) and token.isascii() and token.isprintable() and len(token) <= MAX_TOKEN:
                return token
        raise RegistryUnavailable(f"{quoted(realm)} answered without a token.")
    sentence = f"{quoted(realm)} gives no token: it answered {reply.status} ({excerpt(reply.reason)})."
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.is_server_error:
        raise RegistryUnavailable(sentence, after=pause_asked_for(reply.headers.get("retry-after", "")))
    raise RegistryRefused(f"{sentence[:-1]}. Look at the account's password and rights.")


def is_url(text: str) -> bool:
    """Whether it can be asked at all."""
    return text.isascii() and text.isprintable() and len(text) <= MAX_URL and is_http_url(text)


def _basic(login: Login) -> str:
    pair = f"{login.user}:{login.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"
